select
    ---------- ids
    account_id,
    campaign_id,
    adset_id as ad_set_id,
    ad_id,

    ---------- time
    day as date_day,

    ---------- breakdown: a row whose value is absent is kept, its delivery is in the total
    coalesce(hourly_stats_aggregated_by_advertiser_time_zone, 'unknown') as hour,

    ---------- measures
    account_currency as currency,
    try_cast(impressions as bigint) as impressions,
    try_cast(clicks as bigint) as clicks_all,
    coalesce(try_cast(inline_link_clicks as bigint), 0) as link_clicks,
    try_cast(spend as decimal(18, 6)) as spend,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights_by_hourly') }}
