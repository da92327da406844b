-- The custom conversions of an account as they are now: `action_type` is what actions call them.
select
    custom_conversion_id,
    account_id,
    custom_conversion_name,
    action_type,
    event_type,
    rule,
    is_archived,
    created_at,
    first_fired_at
from {{ ref('stg_meta_ads__custom_conversions') }}
