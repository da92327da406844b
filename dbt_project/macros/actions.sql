{# One row per action of a list. #}
{% macro exploded(actions) -%}
    unnest({{ actions }})
{%- endmacro %}

{# The sum of an action's value, in all or in an attribution window, over the rows of a kind. #}
{% macro sum_of_actions(kind, window='value') -%}
    cast(sum(try_cast(action['{{ window }}'] as decimal(18, 6))) filter (where kind = '{{ kind }}') as decimal(18, 6))
{%- endmacro %}
