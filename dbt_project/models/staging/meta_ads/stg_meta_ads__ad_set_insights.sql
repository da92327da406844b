select
    ---------- ids
    account_id,
    campaign_id,
    adset_id as ad_set_id,

    ---------- time
    day as date_day,

    ---------- measures
    try_cast(impressions as bigint) as impressions,
    try_cast(reach as bigint) as reach
from {{ source('raw_meta_ads', 'ad_set_insights') }}
