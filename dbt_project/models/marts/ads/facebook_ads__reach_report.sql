-- People reached in a window, as counted by Meta: the reach of days does not add up to it.
with insights as (
    select * from {{ ref('stg_meta_ads__reach') }}
),

days as (
    select * from {{ ref('int_report_days_read') }}
),

joined as (
    select
        insights.*,
        coalesce(days.is_provisional, true) as is_provisional
    from insights
    left join days
        on insights.report = days.report
        and insights.account_id = days.account_id
        and insights.date_day = days.date_day
)

select
    grain,
    account_id,
    campaign_id,
    date_day,
    window_start,
    cast(impressions as bigint) as impressions,
    cast(reach as bigint) as reach,
    not is_provisional and (grain <> 'month' or date_day = last_day(date_day)) as is_complete,
    is_provisional
from joined
