{# A mart of a level above the ad; `levels` are its ids from the campaign down. Everything but reach is the sum of the
   ads, so that a level always equals its parts. Reach is Meta's own figure of this level, because people cannot be
   added up. #}
{% macro level_report(levels) -%}
with ads as (
    select
        date_day,
        account_id,
        any_value(account_name) as account_name,
        {%- for level in levels %}
        {{ level }}_id,
        any_value({{ level }}_name) as {{ level }}_name,
        {%- endfor %}
        any_value(currency) as currency,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(link_clicks) as bigint) as clicks,
        cast(sum(clicks_all) as bigint) as clicks_all,
        cast(sum(link_clicks) as bigint) as link_clicks,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(conversions) as decimal(18, 6)) as conversions,
        cast(sum(conversions_value) as decimal(18, 6)) as conversions_value,
        bool_or(is_provisional) as is_provisional
    from {{ ref('int_ad_insights_named') }}
    group by date_day, account_id{% for level in levels %}, {{ level }}_id{% endfor %}
),

levels as (
    select * from {{ ref('stg_meta_ads__' ~ (levels | last) ~ '_insights') }}
)

select
    ads.date_day,
    ads.account_id,
    ads.account_name,
    {%- for level in levels %}
    ads.{{ level }}_id,
    ads.{{ level }}_name,
    {%- endfor %}
    ads.currency,
    ads.impressions,
    ads.clicks,
    ads.clicks_all,
    ads.link_clicks,
    ads.spend,
    cast(levels.reach as bigint) as reach,
    ads.conversions,
    ads.conversions_value,
    ads.is_provisional
from ads
left join levels on ads.{{ levels | last }}_id = levels.{{ levels | last }}_id and ads.date_day = levels.date_day
{%- endmacro %}
