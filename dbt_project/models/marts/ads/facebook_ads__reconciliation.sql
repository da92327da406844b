-- The sum of ads compared with the account's control total. Both are read at different moments and may differ for
-- recent days.
with ads as (
    select
        account_id,
        date_day,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(clicks_all) as clicks_all
    from {{ ref('facebook_ads__ad_report') }}
    group by account_id, date_day
),

totals as (
    select * from {{ ref('facebook_ads__account_report') }}
),

compared as (
    select
        coalesce(totals.account_id, ads.account_id) as account_id,
        coalesce(totals.date_day, ads.date_day) as date_day,
        coalesce(ads.spend, 0) - coalesce(totals.spend, 0) as spend_difference,
        coalesce(ads.impressions, 0) - coalesce(totals.impressions, 0) as impressions_difference,
        coalesce(ads.clicks_all, 0) - coalesce(totals.clicks_all, 0) as clicks_difference
    from totals
    full outer join ads on totals.account_id = ads.account_id and totals.date_day = ads.date_day
)

select
    account_id,
    date_day,
    cast(spend_difference as decimal(18, 6)) as spend_difference,
    cast(impressions_difference as bigint) as impressions_difference,
    cast(clicks_difference as bigint) as clicks_difference,
    case
        when spend_difference = 0 and impressions_difference = 0 and clicks_difference = 0 then 'equal'
        when date_day < current_date - {{ var('frozen_after_days') }} then 'different'
        else 'still moving'
    end as status
from compared
