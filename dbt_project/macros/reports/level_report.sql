{# The stored days of a level above the ad; `levels` are its ids from the campaign down. Everything but reach is the sum of
   the ads, so that a level always equals its parts. Reach is Meta's own figure of this level, because people cannot be
   added up. #}
{% macro level_days(levels) -%}
{%- set level = levels | last -%}
{{ stored_partitions(['ad_insights', level ~ '_insights']) }}
with ads as (
    select
        date_day,
        account_id,
        {%- for name in levels %}
        {{ name }}_id,
        {%- endfor %}
        any_value(currency) as currency,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks_all) as bigint) as clicks_all,
        cast(sum(link_clicks) as bigint) as link_clicks,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(conversions) as decimal(18, 6)) as conversions,
        cast(sum(conversions_value) as decimal(18, 6)) as conversions_value,
        {{ sums_of_groups() }}
    from {{ ref('int_ad_days') }}
    {{ only_changed() }}
    group by date_day, account_id{% for name in levels %}, {{ name }}_id{% endfor %}
),

levels as (
    select * from {{ ref('stg_meta_ads__' ~ level ~ '_insights') }}
    {{ only_changed() }}
)

select ads.*, levels.reach
from ads
left join levels on ads.{{ level }}_id = levels.{{ level }}_id and ads.date_day = levels.date_day
{%- endmacro %}

{# The mart over `level_days`, with names, currency and provisional state as they are now. #}
{% macro level_report(levels) -%}
{{ view_of_partitions(['ad_insights', (levels | last) ~ '_insights']) }}
select
    days.date_day,
    {%- for level in ['account'] + levels %}
    {{ id_and_names(level) }}
    {%- endfor %}
    {%- for column in ['status', 'daily_budget', 'lifetime_budget', 'start_at', 'end_at'] %}
    {{ levels | last }}s.{{ levels | last }}_{{ column }} as {{ column }},
    {%- endfor %}
    {{ current_currency() }},
    {{ delivered_columns(has_reach=true) }}
    {{ rates(has_reach=true) }}
    {{ current_is_provisional() }}
from {{ ref('int_' ~ (levels | last) ~ '_days') }} as days
{{ join_current('ad_insights', ['account'] + levels) }}
{{ join_exchange_rates() }}
{%- endmacro %}
