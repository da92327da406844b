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
    coalesce(platform_position, 'unknown') as platform_position,

    ---------- measures
    account_currency as currency,
    try_cast(impressions as bigint) as impressions,
    try_cast(clicks as bigint) as clicks_all,
    coalesce(try_cast(inline_link_clicks as bigint), 0) as link_clicks,
    try_cast(spend as decimal(18, 6)) as spend,
    {{ sum_of_conversions('actions') }} as conversions,
    {{ sum_of_conversions('action_values') }} as conversions_value,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights_by_placement') }}
