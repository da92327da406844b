-- Meta's own control totals, not a sum of ads, so that a difference between the two is visible.
with insights as (
    select * from {{ ref('stg_meta_ads__account_insights') }}
),

accounts as (
    select * from {{ ref('stg_meta_ads__accounts') }}
)

select
    insights.date_day,
    insights.account_id,
    coalesce(accounts.account_name, insights.account_name) as account_name,
    accounts.account_status,
    accounts.timezone_name,
    coalesce(accounts.currency, insights.currency) as currency,
    cast(insights.impressions as bigint) as impressions,
    cast(insights.link_clicks as bigint) as clicks,
    cast(insights.clicks_all as bigint) as clicks_all,
    cast(insights.link_clicks as bigint) as link_clicks,
    cast(insights.spend as decimal(18, 6)) as spend,
    cast(insights.reach as bigint) as reach,
    cast(insights.conversions as decimal(18, 6)) as conversions,
    cast(insights.conversions_value as decimal(18, 6)) as conversions_value,
    coalesce(days.is_provisional, true) as is_provisional
from insights
left join accounts on insights.account_id = accounts.account_id
{{ join_days('account_insights', 'insights') }}
