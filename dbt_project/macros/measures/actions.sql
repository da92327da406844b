{# One row per action in a list. #}
{% macro exploded(actions) -%}
    unnest({{ actions }})
{%- endmacro %}

{# The sum of action values over the rows of one kind, in total or for one attribution window. #}
{% macro sum_of_actions(kind, window='value') -%}
    cast(sum(try_cast(action['{{ window }}'] as decimal(18, 6))) filter (where kind = '{{ kind }}') as decimal(18, 6))
{%- endmacro %}
