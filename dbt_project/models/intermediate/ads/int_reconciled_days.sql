-- The sum of ads minus the account's control total.
{{ stored_partitions(['ad_insights', 'account_insights']) }}
with ads as (
    select
        account_id,
        date_day,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(clicks_all) as clicks_all
    from {{ ref('int_ad_days') }}
    {{ only_changed() }}
    group by account_id, date_day
),

totals as (
    select * from {{ ref('int_account_days') }}
    {{ only_changed() }}
)

select
    coalesce(totals.account_id, ads.account_id) as account_id,
    coalesce(totals.date_day, ads.date_day) as date_day,
    cast(coalesce(ads.spend, 0) - coalesce(totals.spend, 0) as decimal(18, 6)) as spend_difference,
    cast(coalesce(ads.impressions, 0) - coalesce(totals.impressions, 0) as bigint) as impressions_difference,
    cast(coalesce(ads.clicks_all, 0) - coalesce(totals.clicks_all, 0) as bigint) as clicks_difference
from totals
full outer join ads on totals.account_id = ads.account_id and totals.date_day = ads.date_day
