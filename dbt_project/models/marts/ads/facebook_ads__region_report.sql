select
    date_day,
    account_id,
    campaign_id,
    ad_set_id,
    ad_id,
    region,
    currency,
    cast(impressions as bigint) as impressions,
    cast(link_clicks as bigint) as clicks,
    cast(clicks_all as bigint) as clicks_all,
    cast(link_clicks as bigint) as link_clicks,
    cast(spend as decimal(18, 6)) as spend
from {{ ref('stg_meta_ads__ad_insights_by_region') }}
