select
    ---------- ids
    id as ad_id,
    adset_id as ad_set_id,
    campaign_id,
    replace(node_id, 'act_', '') as account_id,  -- a state that can't be read has none of its own
    {{ json_text('creative', '$.id') }} as creative_id,

    ---------- properties
    name as ad_name,
    effective_status as status,
    status as configured_status,
    try_cast(created_time as timestamptz) as created_at,
    try_cast(updated_time as timestamptz) as updated_at,
    error,

    ---------- provenance
    _fetched_at as seen_at
from {{ source('raw_meta_ads', 'ads_history') }}
