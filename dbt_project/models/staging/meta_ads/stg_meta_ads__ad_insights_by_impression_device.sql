select
    ---------- ids
    account_id,
    campaign_id,
    adset_id as ad_set_id,
    ad_id,

    ---------- time
    day as date_day,

    ---------- breakdown: a row whose value is absent is kept, its delivery is in the total
    coalesce(publisher_platform, 'unknown') as publisher_platform,
    coalesce(impression_device, 'unknown') as impression_device,

    ---------- measures
    {{ delivery_measures() }},
    {{ conversion_measures() }},

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights_by_impression_device') }}
