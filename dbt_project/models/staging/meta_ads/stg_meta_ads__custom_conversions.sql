select
    ---------- ids
    id as custom_conversion_id,
    replace(node_id, 'act_', '') as account_id,

    ---------- properties
    name as custom_conversion_name,
    'offsite_conversion.custom.' || id as action_type,
    lower(custom_event_type) as event_type,
    left(rule, 4000) as rule,
    coalesce(try_cast(is_archived as boolean), false) as is_archived,

    ---------- time
    try_cast(creation_time as timestamptz) as created_at,
    try_cast(first_fired_time as timestamptz) as first_fired_at,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'custom_conversions') }}
