{# Condition of a `qualify`: the row of a post or media has metrics, or no row of it has and it is the last one, so that
   everything that was listed is present. #}
{% macro is_snapshot(id) -%}
    metrics_read > 0
    or (
        max(metrics_read) over (partition by {{ id }}) = 0
        and row_number() over (partition by {{ id }} order by date_day desc) = 1
    )
{%- endmacro %}
