{# Rates of a row, from the row's own sums: never averaged, never added up. `ctr`, `cpc` and `cpm` are Meta's own figures for
   the row (all clicks; per hundred and per thousand). Null when the denominator is 0 or was not read. `rows` has the sums;
   frequency and cpp are included only where reach was measured at the grain of the row. #}
{% macro rates(rows='days', has_conversions=true, has_reach=false) -%}
    {{ ratio(rows ~ '.clicks_all * 100', rows ~ '.impressions') }} as ctr,
    {{ ratio(rows ~ '.link_clicks * 100', rows ~ '.impressions') }} as link_ctr,
    {{ ratio(rows ~ '.spend', rows ~ '.clicks_all') }} as cpc,
    {{ ratio(rows ~ '.spend', rows ~ '.link_clicks') }} as link_cpc,
    {{ ratio(rows ~ '.spend * 1000', rows ~ '.impressions') }} as cpm,
    {%- if has_reach %}
    {{ ratio(rows ~ '.spend * 1000', rows ~ '.reach') }} as cpp,
    {{ ratio(rows ~ '.impressions', rows ~ '.reach') }} as frequency,
    {%- endif %}
    {%- if has_conversions %}
    {{ ratio(rows ~ '.conversions_value', rows ~ '.spend') }} as roas,
    {{ ratio(rows ~ '.spend', rows ~ '.conversions') }} as cpa,
    {%- for group in conversion_groups() %}
    {{ ratio(rows ~ '.spend', rows ~ '.' ~ group) }} as cost_per_{{ group }},
    {%- endfor %}
    {%- endif %}
{%- endmacro %}

{# The columns of `rates`, in the same order. #}
{% macro rate_columns(has_conversions=true, has_reach=false) -%}
    {%- set costs = [] -%}
    {%- for group in conversion_groups() -%}{%- do costs.append('cost_per_' ~ group) -%}{%- endfor -%}
    {{ return(
        ['ctr', 'link_ctr', 'cpc', 'link_cpc', 'cpm']
        + (['cpp', 'frequency'] if has_reach else [])
        + (['roas', 'cpa'] + costs if has_conversions else [])
    ) }}
{%- endmacro %}

{# A quotient with six decimals, as Meta writes them; null if the denominator is 0 or null. #}
{% macro ratio(numerator, denominator) -%}
    try_cast(cast({{ numerator }} as double) / nullif({{ denominator }}, 0) as decimal(18, 6))
{%- endmacro %}
