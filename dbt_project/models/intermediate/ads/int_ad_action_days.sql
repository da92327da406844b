-- Every action type that Meta returned. Types overlap: choose one, never add them up.
{{ stored_partitions(['ad_insights']) }}
with insights as (
    select * from {{ ref('stg_meta_ads__ad_insights') }}
    {{ only_changed() }}
),

actions as (
    {% for kind in ['actions', 'action_values'] %}
    select
        account_id, campaign_id, ad_set_id, ad_id, date_day, currency, '{{ kind }}' as kind,
        {{ exploded(kind) }} as action
    from insights
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    date_day,
    account_id,
    any_value(campaign_id) as campaign_id,
    any_value(ad_set_id) as ad_set_id,
    ad_id,
    coalesce(action['action_type'], 'unknown') as action_type,
    row_number() over (
        partition by date_day, account_id, ad_id order by coalesce(action['action_type'], 'unknown')
    ) - 1 as action_index,
    any_value(currency) as currency,
    {{ sum_of_actions('actions') }} as value,
    {%- for window in ['1d_view', '1d_click', '7d_click', '28d_click'] %}
    {{ sum_of_actions('actions', window) }} as value_{{ window }},
    {%- endfor %}
    {{ sum_of_actions('action_values') }} as action_value,
    {%- for window in ['1d_view', '1d_click', '7d_click', '28d_click'] %}
    {{ sum_of_actions('action_values', window) }} as action_value_{{ window }}{{ ',' if not loop.last }}
    {%- endfor %}
from actions
group by date_day, account_id, ad_id, coalesce(action['action_type'], 'unknown')
