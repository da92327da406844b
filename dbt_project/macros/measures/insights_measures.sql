{# The measures that every insights row has, cast in one place for all levels and breakdowns. #}
{% macro delivery_measures() -%}
    account_currency as currency,
    try_cast(impressions as bigint) as impressions,
    try_cast(clicks as bigint) as clicks_all,
    coalesce(try_cast(inline_link_clicks as bigint), 0) as link_clicks,
    try_cast(spend as decimal(18, 6)) as spend
{%- endmacro %}

{# The sums of the configured actions and groups of them, for reports that request actions. #}
{% macro conversion_measures() -%}
    {{ sum_of_conversions('actions') }} as conversions,
    {{ sum_of_conversions('action_values') }} as conversions_value,
    {{ group_measures() }}
{%- endmacro %}
