select
    date_day,
    account_id,
    campaign_id,
    ad_set_id,
    ad_id,
    country,
    currency,
    cast(impressions as bigint) as impressions,
    cast(link_clicks as bigint) as clicks,
    cast(clicks_all as bigint) as clicks_all,
    cast(link_clicks as bigint) as link_clicks,
    cast(spend as decimal(18, 6)) as spend,
    cast(conversions as decimal(18, 6)) as conversions,
    cast(conversions_value as decimal(18, 6)) as conversions_value
from {{ ref('stg_meta_ads__ad_insights_by_country') }}
