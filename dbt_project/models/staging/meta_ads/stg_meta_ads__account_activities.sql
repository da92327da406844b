-- The change is parsed as Meta writes it: a budget as an object or as a number, in the currency's smallest unit, everything
-- else as text (docs/graph-api.md §9).
with parsed as (
    select *, try_cast(extra_data as json) as change
    from {{ source('raw_meta_ads', 'account_activities') }}
)

select
    ---------- ids
    replace(node_id, 'act_', '') as account_id,
    record_index,
    actor_id,
    object_id,

    ---------- time
    day as date_day,
    try_cast(event_time as timestamptz) as occurred_at,

    ---------- properties
    actor_name,
    application_name,
    lower(object_type) as object_type,
    object_name,
    event_type,
    translated_event_type,
    left(extra_data, 4000) as extra_data,
    left(coalesce({{ json_text('change', '$.old_value.old_value') }}, {{ json_text('change', '$.old_value') }}), 4000)
        as old_value,
    left(coalesce({{ json_text('change', '$.new_value.new_value') }}, {{ json_text('change', '$.new_value') }}), 4000)
        as new_value,
    coalesce({{ json_text('change', '$.new_value.type') }}, {{ json_text('change', '$.old_value.type') }}) as value_type,
    event_type like '%budget' as is_budget,

    ---------- provenance
    _fetched_at,
    _run_id
from parsed
