-- The activity log of ad accounts. Budgets are in Meta's minor units there; an amount in a currency whose minor unit is not
-- known is null, never a guess.
{{ view_of_partitions(['account_activities']) }}
select
    days.date_day,
    {{ id_and_names('account') }}
    days.activity_number,
    days.occurred_at,
    days.actor_id,
    days.actor_name,
    days.application_name,
    days.object_type,
    days.object_id,
    days.object_name,
    days.event_type,
    days.translated_event_type,
    case when days.is_budget then cast({{ major_units('days.old_amount', 'currencies.minor_units') }} as varchar)
        else days.old_value end as old_value,
    case when days.is_budget then cast({{ major_units('days.new_amount', 'currencies.minor_units') }} as varchar)
        else days.new_value end as new_value,
    {{ major_units('days.old_amount', 'currencies.minor_units') }} as old_budget,
    {{ major_units('days.new_amount', 'currencies.minor_units') }} as new_budget,
    days.budget_period,
    accounts.currency,
    days.extra_data,
    {{ current_is_provisional() }}
from {{ ref('int_account_activity_days') }} as days
{{ join_current('account_activities', ['account']) }}
left join {{ ref('stg_meta_ads__currencies') }} as currencies on accounts.currency = currencies.currency
