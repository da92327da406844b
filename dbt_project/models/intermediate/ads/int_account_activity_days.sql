-- The entries of activity logs by day, with budgets as numbers.
{{ stored_partitions(['account_activities']) }}
select
    date_day,
    account_id,
    record_index as activity_number,
    occurred_at,
    actor_id,
    actor_name,
    application_name,
    object_type,
    object_id,
    object_name,
    event_type,
    translated_event_type,
    is_budget,
    case when is_budget then try_cast(old_value as decimal(18, 0)) end as old_amount,
    case when is_budget then try_cast(new_value as decimal(18, 0)) end as new_amount,
    old_value,
    new_value,
    case when is_budget then value_type end as budget_period,
    extra_data
from {{ ref('stg_meta_ads__account_activities') }}
{{ only_changed() }}
