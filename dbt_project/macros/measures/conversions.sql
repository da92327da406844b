{# The sum of the configured action types in a list of actions, as a decimal; 0 if there are none. #}
{% macro sum_of_conversions(actions) -%}
    coalesce(
        list_sum(
            list_transform(
                list_filter(
                    {{ actions }},
                    lambda action: action.action_type in (
                        {%- for name in var('conversion_action_types') %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor -%}
                    )
                ),
                lambda action: try_cast(action.value as decimal(18, 6))
            )
        ),
        0
    )::decimal(18, 6)
{%- endmacro %}

{# The configured groups of conversions: `purchases`, `leads`, … Each has a column with its count and one with its value. #}
{% macro conversion_groups() -%}
    {{ return(var('conversion_groups').keys() | list) }}
{%- endmacro %}

{# The columns of the groups in a report that requests actions: the count and the value of each. #}
{% macro group_columns() -%}
    {%- set columns = [] -%}
    {%- for group in conversion_groups() -%}{%- do columns.extend([group, group ~ '_value']) -%}{%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# The count and the value of each group in a row of insights. A group is the first of its action types that the row has:
   `omni_purchase`, `purchase` and the pixel's purchase are the same purchases, so they are never added up. 0 if the row has
   none of them. #}
{% macro group_measures() -%}
    {%- for group, types in var('conversion_groups').items() %}
    {{ first_action('actions', types) }} as {{ group }},
    {{ first_action('action_values', types) }} as {{ group }}_value{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro first_action(actions, types) -%}
    coalesce(
        {%- for type in types %}
        try_cast({{ actions }}[list_position(list_transform({{ actions }}, lambda action: action.action_type), '{{ type }}')].value as decimal(18, 6)),
        {%- endfor %}
        0
    )::decimal(18, 6)
{%- endmacro %}

{# The sums of the groups over rows that have their columns. #}
{% macro sums_of_groups() -%}
    {%- for column in group_columns() %}
    cast(sum({{ column }}) as decimal(18, 6)) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Meta's action type of a custom conversion, before its id. #}
{% macro custom_conversion_type() -%}
    offsite_conversion.custom.
{%- endmacro %}
