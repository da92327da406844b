select
    ---------- ids
    account_id,
    campaign_id,
    adset_id as ad_set_id,
    ad_id,

    ---------- time
    day as date_day,

    ---------- breakdown: null where Meta gave no value
    hourly_stats_aggregated_by_advertiser_time_zone as hour,

    ---------- measures
    {{ delivery_measures() }},

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights_by_hourly') }}
