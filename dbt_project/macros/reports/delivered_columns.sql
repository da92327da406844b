{# The measures of a report's row, for a select from `days`; `clicks` are link clicks, as Fivetran's users expect. Reach is
   included only where it was measured at the grain of the row, conversions only where the report requests actions. Needs
   `join_exchange_rates`. #}
{% macro delivered_columns(has_reach=false, has_conversions=true) -%}
    days.impressions,
    days.link_clicks as clicks,
    days.clicks_all,
    days.link_clicks,
    days.spend,
    {{ reporting_columns(['spend', 'conversions_value'] if has_conversions else ['spend']) }}
    {%- if has_reach %}
    days.reach,
    {%- endif %}
    {%- if has_conversions %}
    {%- for column in ['conversions', 'conversions_value'] + group_columns() %}
    days.{{ column }},
    {%- endfor %}
    {%- endif %}
{%- endmacro %}
