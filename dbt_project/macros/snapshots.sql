{# Condition of a `qualify`: the row of a post or media has metrics, or no row of it has and it is the last one, so that
   everything that was listed is present. #}
{% macro is_snapshot(id) -%}
    coalesce(len(insights), 0) > 0
    or (
        coalesce(max(len(insights)) over (partition by {{ id }}), 0) = 0
        and row_number() over (partition by {{ id }} order by date_day desc) = 1
    )
{%- endmacro %}
