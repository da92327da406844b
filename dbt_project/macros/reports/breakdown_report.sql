{# The stored days of ads by breakdown: ids, breakdown, additive measures. A missing breakdown value becomes `unknown`, and
   so does a value that Meta itself calls `unknown`: an ad's day may have both, and they become one row. #}
{% macro breakdown_days(report, breakdowns, has_conversions=true, has_video=false) -%}
{{ stored_partitions([report]) }}
select
    date_day,
    account_id,
    any_value(campaign_id) as campaign_id,
    any_value(ad_set_id) as ad_set_id,
    ad_id,
    {%- for name in breakdowns %}
    coalesce({{ name }}, 'unknown') as {{ name }},
    {%- endfor %}
    any_value(currency) as currency,
    cast(sum(impressions) as bigint) as impressions,
    cast(sum(clicks_all) as bigint) as clicks_all,
    cast(sum(link_clicks) as bigint) as link_clicks,
    {%- if has_conversions %}
    cast(sum(conversions) as decimal(18, 6)) as conversions,
    cast(sum(conversions_value) as decimal(18, 6)) as conversions_value,
    {{ sums_of_groups() }},
    {%- endif %}
    {%- if has_video %}
    {%- for count in video_counts() %}
    cast(sum({{ count }}) as bigint) as {{ count }},
    {%- endfor %}
    cast(sum(video_average_seconds * video_plays) / nullif(sum(video_plays), 0) as decimal(18, 3)) as video_average_seconds,
    {%- endif %}
    cast(sum(spend) as decimal(18, 6)) as spend
from {{ ref('stg_meta_ads__' ~ report) }}
{{ only_changed() }}
group by
    date_day,
    account_id,
    ad_id
    {%- for name in breakdowns %},
    coalesce({{ name }}, 'unknown')
    {%- endfor %}
{%- endmacro %}

{# The mart over `breakdown_days`, with names, currency and provisional state as they are now. #}
{% macro breakdown_report(report, breakdowns, has_conversions=true) -%}
{{ view_of_partitions([report]) }}
select
    {{ keys_of_ad_days(breakdowns) }}
    {{ delivered_columns(has_conversions=has_conversions) }}
    {{ rates(has_conversions=has_conversions) }}
    {{ current_is_provisional() }}
from {{ ref(report | replace('ad_insights', 'int_ad_days')) }} as days
{{ join_current(report, ['account', 'campaign', 'ad_set', 'ad']) }}
{{ join_exchange_rates() }}
{%- endmacro %}
