select
    ---------- ids
    account_id,
    campaign_id,

    ---------- time
    day as date_day,

    ---------- measures
    try_cast(impressions as bigint) as impressions,
    try_cast(reach as bigint) as reach
from {{ source('raw_meta_ads', 'campaign_insights') }}
