-- Reels placements, selected from the report by placement, so that no extra call is needed.
select
    date_day,
    account_id,
    campaign_id,
    ad_set_id,
    ad_id,
    publisher_platform,
    platform_position,
    currency,
    impressions,
    clicks,
    clicks_all,
    link_clicks,
    spend,
    conversions,
    conversions_value,
    is_provisional
from {{ ref('facebook_ads__placement_report') }}
where platform_position in ({% for name in var('reels_positions') %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
