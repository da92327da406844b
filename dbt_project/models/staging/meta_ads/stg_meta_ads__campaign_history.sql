select
    ---------- ids
    id as campaign_id,
    replace(node_id, 'act_', '') as account_id,  -- a state that can't be read has none of its own

    ---------- properties
    name as campaign_name,
    effective_status as status,
    status as configured_status,
    objective,
    buying_type,
    bid_strategy,
    try_cast(daily_budget as decimal(18, 0)) as daily_budget_minor_units,
    try_cast(lifetime_budget as decimal(18, 0)) as lifetime_budget_minor_units,
    try_cast(spend_cap as decimal(18, 0)) as spend_cap_minor_units,
    try_cast(start_time as timestamptz) as start_at,
    try_cast(stop_time as timestamptz) as end_at,
    try_cast(created_time as timestamptz) as created_at,
    try_cast(updated_time as timestamptz) as updated_at,
    error,

    ---------- provenance
    _fetched_at as seen_at
from {{ source('raw_meta_ads', 'campaigns_history') }}
