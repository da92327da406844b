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
    cast(sum(conversions_value) as decimal(18, 6)) as conversions_value
from {{ ref('int_ad_insights_named') }}
group by date_day, account_id, campaign_id, ad_set_id
