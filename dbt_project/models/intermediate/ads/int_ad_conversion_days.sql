-- The action type that counts of each configured group, for an ad's day: the first one that the row has, as in the columns of
-- the reports. Custom conversions are a group in which each counts.
{{ stored_partitions(['ad_insights']) }}
with actions as (
    select * from {{ ref('int_ad_action_days') }}
    {{ only_changed() }}
),

groups(conversion_group, action_type, rank) as (
    values
    {%- for group, types in var('conversion_groups').items() %}{% set outer = loop %}{% for type in types %}
    ('{{ group }}', '{{ type }}', {{ loop.index }}){{ ',' if not (outer.last and loop.last) }}
    {%- endfor %}{% endfor %}
),

counted as (
    select actions.*, groups.conversion_group
    from actions
    inner join groups on actions.action_type = groups.action_type
    qualify row_number() over (
        partition by actions.date_day, actions.account_id, actions.ad_id, groups.conversion_group order by groups.rank
    ) = 1
    union all by name
    select *, 'custom_conversions' as conversion_group
    from actions
    where starts_with(action_type, '{{ custom_conversion_type() }}')
)

select
    date_day,
    account_id,
    campaign_id,
    ad_set_id,
    ad_id,
    conversion_group,
    action_type,
    currency,
    value,
    {%- for window in ['1d_view', '1d_click', '7d_click', '28d_click'] %}
    value_{{ window }},
    action_value_{{ window }},
    {%- endfor %}
    action_value
from counted
