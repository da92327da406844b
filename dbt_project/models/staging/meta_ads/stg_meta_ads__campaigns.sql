select
    ---------- ids
    id as campaign_id,
    account_id,

    ---------- properties
    name as campaign_name,
    effective_status as status,
    objective,
    bid_strategy,
    try_cast(daily_budget as bigint) as daily_budget_minor_units,
    try_cast(lifetime_budget as bigint) as lifetime_budget_minor_units,
    try_cast(budget_remaining as bigint) as budget_remaining_minor_units,
    try_cast(start_time as timestamptz) as start_at,
    try_cast(stop_time as timestamptz) as end_at,
    try_cast(created_time as timestamptz) as created_at,
    try_cast(updated_time as timestamptz) as updated_at,
    error
from {{ source('raw_meta_ads', 'campaigns') }}
