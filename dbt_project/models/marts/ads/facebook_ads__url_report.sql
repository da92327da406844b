-- The destination URL of an ad's day: that of the ad's creative at the end of the day (UTC), as far back as the ad was
-- observed; before that, its first known creative. Tags come from the creative's `url_tags`, else from the URL.
{{ view_of_partitions(['ad_insights']) }}
with {{ creatives_of_ads() }},

tagged as (
    select
        *,
        coalesce(url_tags, '') || '&' || coalesce(split_part(destination_url, '?', 2), '') as tags
    from {{ ref('dim_creatives') }}
    where is_current
),

creatives as (
    select
        creative_id,
        creative_name,
        nullif(split_part(split_part(destination_url, '?', 1), '#', 1), '') as base_url,
        {{ url_host('destination_url') }} as url_host,
        {{ url_path('destination_url') }} as url_path,
        {% for name in ['source', 'medium', 'campaign', 'content', 'term'] -%}
        {{ url_tag('tags', 'utm_' ~ name) }} as utm_{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from tagged
),

final as (
    select
        days.date_day,
        {{ id_and_names('account') }}
        {{ id_and_names('campaign') }}
        {{ id_and_names('ad_set') }}
        {{ id_and_names('ad') }}
        ad_spans.creative_id,
        creatives.* exclude (creative_id),
        {{ current_currency() }},
        {{ delivered_columns() }}
        {{ rates() }}
        {{ current_is_provisional() }}
    from {{ ref('int_ad_days') }} as days
    {{ join_creatives_of_ads() }}
    left join creatives on ad_spans.creative_id = creatives.creative_id
    {{ join_current('ad_insights', ['account', 'campaign', 'ad_set', 'ad']) }}
    {{ join_exchange_rates() }}
)

select *
from final
{% if var('ad_reporting__url_report__using_null_filter') %}where base_url is not null{% endif %}
