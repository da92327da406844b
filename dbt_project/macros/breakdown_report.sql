{# A mart of ads by breakdown: its ids, the breakdown, and what adds up. #}
{% macro breakdown_report(report, breakdowns, has_conversions=true) -%}
select
    insights.date_day,
    insights.account_id,
    insights.campaign_id,
    insights.ad_set_id,
    insights.ad_id,
    {%- for name in breakdowns %}
    insights.{{ name }},
    {%- endfor %}
    insights.currency,
    cast(insights.impressions as bigint) as impressions,
    cast(insights.link_clicks as bigint) as clicks,
    cast(insights.clicks_all as bigint) as clicks_all,
    cast(insights.link_clicks as bigint) as link_clicks,
    cast(insights.spend as decimal(18, 6)) as spend,
    {%- if has_conversions %}
    cast(insights.conversions as decimal(18, 6)) as conversions,
    cast(insights.conversions_value as decimal(18, 6)) as conversions_value,
    {%- endif %}
    coalesce(days.is_provisional, true) as is_provisional
from {{ ref('stg_meta_ads__' ~ report) }} as insights
{{ join_days(report, 'insights') }}
{%- endmacro %}
