-- The destination URL of an ad's day: that of the ad's creative at the end of the day (UTC), as far back as the ad was
-- observed; before that, its first known creative. Tags come from the creative's `url_tags`, else from the URL.
with insights as (
    select * from {{ ref('int_ad_insights_named') }}
),

ads as (
    select
        ad_id,
        creative_id,
        case
            when row_number() over (partition by ad_id order by valid_from) = 1
                then cast('-infinity' as timestamp with time zone)
            else valid_from
        end as starts_at,
        coalesce(valid_to, cast('infinity' as timestamp with time zone)) as ends_at
    from {{ ref('dim_ads') }}
),

creatives as (
    select
        creative_id,
        creative_name,
        destination_url,
        coalesce(url_tags, '') || '&' || coalesce(split_part(destination_url, '?', 2), '') as tags
    from {{ ref('dim_creatives') }}
    where is_current
),

final as (
    select
        insights.date_day,
        insights.account_id,
        insights.account_name,
        insights.campaign_id,
        insights.campaign_name,
        insights.ad_set_id,
        insights.ad_set_name,
        insights.ad_id,
        insights.ad_name,
        ads.creative_id,
        creatives.creative_name,
        nullif(split_part(split_part(creatives.destination_url, '?', 1), '#', 1), '') as base_url,
        {{ url_host('creatives.destination_url') }} as url_host,
        {{ url_path('creatives.destination_url') }} as url_path,
        {% for name in ['source', 'medium', 'campaign', 'content', 'term'] %}
        {{ url_tag('creatives.tags', 'utm_' ~ name) }} as utm_{{ name }},
        {% endfor %}
        insights.currency,
        cast(insights.impressions as bigint) as impressions,
        cast(insights.link_clicks as bigint) as clicks,
        cast(insights.clicks_all as bigint) as clicks_all,
        cast(insights.link_clicks as bigint) as link_clicks,
        cast(insights.spend as decimal(18, 6)) as spend,
        cast(insights.conversions as decimal(18, 6)) as conversions,
        cast(insights.conversions_value as decimal(18, 6)) as conversions_value,
        insights.is_provisional
    from insights
    left join ads
        on insights.ad_id = ads.ad_id
        and cast(insights.date_day + 1 as timestamp with time zone) >= ads.starts_at
        and cast(insights.date_day + 1 as timestamp with time zone) < ads.ends_at
    left join creatives on ads.creative_id = creatives.creative_id
)

select *
from final
{% if var('ad_reporting__url_report__using_null_filter') %}where base_url is not null{% endif %}
