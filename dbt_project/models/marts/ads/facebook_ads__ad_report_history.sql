-- What Meta said of an ad's day, and from when until when: `valid_from <= :moment and (valid_to > :moment or valid_to is
-- null)` is the report as it was at that moment. A day is replaced as a whole, so all its ads share its spans.
with every_version as (
    select
        date_day, account_id, ad_id, currency, impressions, clicks_all, link_clicks, spend, conversions,
        conversions_value, _fetched_at, replaced_at
    from {{ ref('stg_meta_ads__ad_insights_versions') }}
    union all
    select
        date_day, account_id, ad_id, currency, impressions, clicks_all, link_clicks, spend, conversions,
        conversions_value, _fetched_at, cast(null as timestamp with time zone) as replaced_at
    from {{ ref('stg_meta_ads__ad_insights') }}
),

days as (
    select
        account_id,
        date_day,
        coalesce(replaced_at, cast('9999-12-31' as timestamp with time zone)) as ends_at,
        min(_fetched_at) as read_at
    from every_version
    group by 1, 2, 3
),

spans as (
    select
        account_id,
        date_day,
        ends_at,
        coalesce(lag(ends_at) over (partition by account_id, date_day order by ends_at), read_at) as valid_from
    from days
)

select
    every_version.date_day,
    every_version.account_id,
    every_version.ad_id,
    spans.valid_from,
    every_version.replaced_at as valid_to,
    every_version.replaced_at is null as is_current,
    every_version.currency,
    cast(every_version.impressions as bigint) as impressions,
    cast(every_version.link_clicks as bigint) as clicks,
    cast(every_version.clicks_all as bigint) as clicks_all,
    cast(every_version.link_clicks as bigint) as link_clicks,
    cast(every_version.spend as decimal(18, 6)) as spend,
    cast(every_version.conversions as decimal(18, 6)) as conversions,
    cast(every_version.conversions_value as decimal(18, 6)) as conversions_value
from every_version
inner join spans
    on every_version.account_id = spans.account_id
    and every_version.date_day = spans.date_day
    and coalesce(every_version.replaced_at, cast('9999-12-31' as timestamp with time zone)) = spans.ends_at
