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
    account_currency as currency,
    try_cast(impressions as bigint) as impressions,
    try_cast(clicks as bigint) as clicks_all,
    coalesce(try_cast(inline_link_clicks as bigint), 0) as link_clicks,
    try_cast(spend as decimal(18, 6)) as spend,
    try_cast(reach as bigint) as reach,
    {{ sum_of_conversions('actions') }} as conversions,
    {{ sum_of_conversions('action_values') }} as conversions_value,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights') }}
