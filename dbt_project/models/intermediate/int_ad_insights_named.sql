-- The current names and parents of an ad. An ad that is in no listing keeps the names of its own row, so no row is
-- lost.
with insights as (
    select * from {{ ref('stg_meta_ads__ad_insights') }}
),

accounts as (
    select * from {{ ref('stg_meta_ads__accounts') }}
),

campaigns as (
    select * from {{ ref('stg_meta_ads__campaigns') }}
),

ad_sets as (
    select * from {{ ref('stg_meta_ads__ad_sets') }}
),

ads as (
    select * from {{ ref('stg_meta_ads__ads') }}
),

final as (
    select
        insights.date_day,
        insights.account_id,
        coalesce(accounts.account_name, insights.account_name) as account_name,
        insights.campaign_id,
        coalesce(campaigns.campaign_name, insights.campaign_name) as campaign_name,
        insights.ad_set_id,
        coalesce(ad_sets.ad_set_name, insights.ad_set_name) as ad_set_name,
        insights.ad_id,
        coalesce(ads.ad_name, insights.ad_name) as ad_name,
        ads.status as ad_status,
        coalesce(accounts.currency, insights.currency) as currency,
        insights.impressions,
        insights.link_clicks,
        insights.clicks_all,
        insights.spend,
        insights.reach,
        insights.conversions,
        insights.conversions_value,
        coalesce(days.is_provisional, true) as is_provisional
    from insights
    left join accounts on insights.account_id = accounts.account_id
    left join campaigns on insights.campaign_id = campaigns.campaign_id
    left join ad_sets on insights.ad_set_id = ad_sets.ad_set_id
    left join ads on insights.ad_id = ads.ad_id
    {{ join_days('ad_insights', 'insights') }}
)

select * from final
