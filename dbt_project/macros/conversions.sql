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
