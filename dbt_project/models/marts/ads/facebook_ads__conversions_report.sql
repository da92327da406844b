-- Conversions by configured group and attribution window, with their value. `default` is the ad set's own attribution
-- setting, as in the columns of the other reports; the windows overlap, so choose one.
{{ view_of_partitions(['ad_insights']) }}
with windows as (
    {%- for window in ['default', '1d_view', '1d_click', '7d_click', '28d_click'] %}
    {%- set suffix = '' if window == 'default' else '_' ~ window %}
    select
        date_day, account_id, campaign_id, ad_set_id, ad_id, conversion_group, action_type, currency,
        '{{ window }}' as attribution_window,
        value{{ suffix }} as conversions,
        action_value{{ suffix }} as conversions_value
    from {{ ref('int_ad_conversion_days') }}
    where value{{ suffix }} is not null or action_value{{ suffix }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    days.date_day,
    {{ id_and_names('account') }}
    {{ id_and_names('campaign') }}
    {{ id_and_names('ad_set') }}
    {{ id_and_names('ad') }}
    days.conversion_group,
    coalesce(custom.custom_conversion_name, days.conversion_group) as conversion_name,
    days.action_type,
    days.attribution_window,
    {{ current_currency() }},
    days.conversions,
    days.conversions_value,
    {{ reporting_columns(['conversions_value']) }}
    {{ current_is_provisional() }}
from windows as days
left join {{ ref('dim_custom_conversions') }} as custom
    on days.account_id = custom.account_id and days.action_type = custom.action_type
{{ join_current('ad_insights', ['account', 'campaign', 'ad_set', 'ad']) }}
{{ join_exchange_rates() }}
