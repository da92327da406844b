-- Everything but reach is the sum of the ads; reach is Meta's own figure of this level.
with ads as (
    select
        date_day,
        account_id,
        any_value(account_name) as account_name,
        campaign_id,
        any_value(campaign_name) as campaign_name,
        ad_set_id,
        any_value(ad_set_name) as ad_set_name,
        any_value(currency) as currency,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(link_clicks) as bigint) as clicks,
        cast(sum(clicks_all) as bigint) as clicks_all,
        cast(sum(link_clicks) as bigint) as link_clicks,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(conversions) as decimal(18, 6)) as conversions,
        cast(sum(conversions_value) as decimal(18, 6)) as conversions_value,
        bool_or(is_provisional) as is_provisional
    from {{ ref('int_ad_insights_named') }}
    group by date_day, account_id, campaign_id, ad_set_id
),

levels as (
    select * from {{ ref('stg_meta_ads__ad_set_insights') }}
)

select
    ads.date_day,
    ads.account_id,
    ads.account_name,
    ads.campaign_id,
    ads.campaign_name,
    ads.ad_set_id,
    ads.ad_set_name,
    ads.currency,
    ads.impressions,
    ads.clicks,
    ads.clicks_all,
    ads.link_clicks,
    ads.spend,
    cast(levels.reach as bigint) as reach,
    ads.conversions,
    ads.conversions_value,
    ads.is_provisional
from ads
left join levels on ads.ad_set_id = levels.ad_set_id and ads.date_day = levels.date_day
