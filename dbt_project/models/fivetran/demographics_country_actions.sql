{{ view_of_partitions(['ad_insights_by_country'], day='date') }}
select
    actions.account_id || '/' || cast(actions.date_day as varchar) || '/' || actions.country as _fivetran_id,
    actions.account_id,
    actions.date_day as date,
    actions.action_index as index,
    actions.action_type,
    actions.value,
    days_read.read_at as _fivetran_synced
from {{ ref('int_account_action_days_by_country') }} as actions
{{ join_days_read('actions', 'ad_insights_by_country') }}
