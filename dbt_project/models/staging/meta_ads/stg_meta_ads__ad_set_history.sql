select
    ---------- ids
    id as ad_set_id,
    campaign_id,
    replace(node_id, 'act_', '') as account_id,  -- a state that can't be read has none of its own
    {{ json_text('promoted_object', '$.page_id') }} as promoted_page_id,

    ---------- properties
    name as ad_set_name,
    effective_status as status,
    status as configured_status,
    optimization_goal,
    billing_event,
    bid_strategy,
    try_cast(daily_budget as decimal(18, 0)) as daily_budget_minor_units,
    try_cast(lifetime_budget as decimal(18, 0)) as lifetime_budget_minor_units,
    try_cast(start_time as timestamptz) as start_at,
    try_cast(end_time as timestamptz) as end_at,
    try_cast(created_time as timestamptz) as created_at,
    try_cast(updated_time as timestamptz) as updated_at,
    error,

    ---------- provenance
    _fetched_at as seen_at
from {{ source('raw_meta_ads', 'ad_sets_history') }}
