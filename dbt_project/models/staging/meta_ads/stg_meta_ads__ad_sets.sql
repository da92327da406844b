select
    ---------- ids
    id as ad_set_id,
    campaign_id,
    account_id,

    ---------- properties
    name as ad_set_name,
    effective_status as status,
    optimization_goal,
    bid_strategy,
    try_cast(daily_budget as bigint) as daily_budget_minor_units,
    try_cast(lifetime_budget as bigint) as lifetime_budget_minor_units,
    try_cast(budget_remaining as bigint) as budget_remaining_minor_units,
    try_cast(start_time as timestamptz) as start_at,
    try_cast(end_time as timestamptz) as end_at,
    try_cast(created_time as timestamptz) as created_at,
    try_cast(updated_time as timestamptz) as updated_at,
    error
from {{ source('raw_meta_ads', 'ad_sets') }}
