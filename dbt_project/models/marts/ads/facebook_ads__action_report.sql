-- Every action type that Meta returned. Types overlap: choose one, never add them up.
{{ view_of_partitions(['ad_insights']) }}
select
    days.date_day,
    {{ id_and_names('account') }}
    {{ id_and_names('campaign') }}
    {{ id_and_names('ad_set') }}
    {{ id_and_names('ad') }}
    days.action_type,
    custom_conversions.custom_conversion_name,
    {{ current_currency() }},
    days.value,
    {%- for window in ['1d_view', '1d_click', '7d_click', '28d_click'] %}
    days.value_{{ window }},
    {%- endfor %}
    days.action_value,
    {{ reporting_columns(['action_value']) }}
    {{ current_is_provisional() }}
from {{ ref('int_ad_action_days') }} as days
{{ join_current('ad_insights', ['account', 'campaign', 'ad_set', 'ad']) }}
{{ join_exchange_rates() }}
left join {{ ref('dim_custom_conversions') }} as custom_conversions
    on days.action_type = custom_conversions.action_type
    and days.account_id = custom_conversions.account_id
