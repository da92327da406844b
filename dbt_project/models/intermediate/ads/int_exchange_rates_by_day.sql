-- The rate of a currency on every day from its first one on: the last one that is not later. It is never used for days before.
-- Days end where `dim_calendar` ends.
with spans as (
    select
        *,
        lead(date_day) over (partition by currency order by date_day) as next_day
    from {{ ref('stg_meta_pipeline__exchange_rates') }}
)

select
    currency,
    cast(
        unnest(generate_series(date_day, coalesce(next_day - 1, date '2035-12-31'), interval 1 day)) as date
    ) as date_day,
    rate,
    reporting_currency
from spans
