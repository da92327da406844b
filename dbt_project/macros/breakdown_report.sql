{# A mart of ads by breakdown: ids, breakdown, additive measures. A missing breakdown value becomes `unknown`, and so
   does a value that Meta itself calls `unknown`: an ad's day may have both, and they become one row. #}
{% macro breakdown_report(report, breakdowns, has_conversions=true) -%}
select
    insights.date_day,
    insights.account_id,
    any_value(insights.campaign_id) as campaign_id,
    any_value(insights.ad_set_id) as ad_set_id,
    insights.ad_id,
    {%- for name in breakdowns %}
    coalesce(insights.{{ name }}, 'unknown') as {{ name }},
    {%- endfor %}
    any_value(insights.currency) as currency,
    cast(sum(insights.impressions) as bigint) as impressions,
    cast(sum(insights.link_clicks) as bigint) as clicks,
    cast(sum(insights.clicks_all) as bigint) as clicks_all,
    cast(sum(insights.link_clicks) as bigint) as link_clicks,
    cast(sum(insights.spend) as decimal(18, 6)) as spend,
    {%- if has_conversions %}
    cast(sum(insights.conversions) as decimal(18, 6)) as conversions,
    cast(sum(insights.conversions_value) as decimal(18, 6)) as conversions_value,
    {%- endif %}
    coalesce(any_value(days.is_provisional), true) as is_provisional
from {{ ref('stg_meta_ads__' ~ report) }} as insights
{{ join_days(report, 'insights') }}
group by
    insights.date_day,
    insights.account_id,
    insights.ad_id
    {%- for name in breakdowns %},
    coalesce(insights.{{ name }}, 'unknown')
    {%- endfor %}
{%- endmacro %}
