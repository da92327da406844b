-- Reels placements, selected from the report by placement, so that no extra call is needed.
{{ view_of_partitions(['ad_insights_by_placement']) }}
select
    date_day,
    account_id,
    {{ current_columns('account') | join(', ') }},
    campaign_id,
    {{ current_columns('campaign') | join(', ') }},
    ad_set_id,
    {{ current_columns('ad_set') | join(', ') }},
    ad_id,
    {{ current_columns('ad') | join(', ') }},
    publisher_platform,
    platform_position,
    currency,
    impressions,
    clicks,
    clicks_all,
    link_clicks,
    spend,
    reporting_currency,
    spend_in_reporting_currency,
    conversions_value_in_reporting_currency,
    conversions,
    conversions_value,
    {{ group_columns() | join(', ') }},
    {{ rate_columns() | join(', ') }},
    is_provisional
from {{ ref('facebook_ads__placement_report') }}
where platform_position in ({% for name in var('reels_positions') %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
