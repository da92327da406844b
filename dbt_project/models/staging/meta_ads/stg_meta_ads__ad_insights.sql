select
    ---------- ids
    account_id,
    account_name,
    campaign_id,
    campaign_name,
    adset_id as ad_set_id,
    adset_name as ad_set_name,
    ad_id,
    ad_name,

    ---------- time
    day as date_day,

    ---------- measures
    {{ delivery_measures() }},
    try_cast(reach as bigint) as reach,
    {{ conversion_measures() }},
    actions,
    action_values,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights') }}
