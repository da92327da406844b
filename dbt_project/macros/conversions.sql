{# The sum over the configured action types of a list of actions, in decimals; zero without any. #}
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
