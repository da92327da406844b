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
    {{ measured(action_value('outbound_clicks', 'outbound_click')) }} as outbound_clicks,
    {{ measured('try_cast(unique_clicks as bigint)') }} as unique_clicks_all,
    {{ measured('try_cast(unique_inline_link_clicks as bigint)') }} as unique_link_clicks,
    {{ measured(action_value('unique_outbound_clicks', 'outbound_click')) }} as unique_outbound_clicks,
    quality_ranking,
    engagement_rate_ranking,
    conversion_rate_ranking,
    {{ video_measures() }},
    actions,
    action_values,

    ---------- rates as Meta computes them, to check ours
    {{ rates_of_meta() }},

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights') }}
