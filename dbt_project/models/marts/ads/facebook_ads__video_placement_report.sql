-- The steps of a video by ad, day and placement; a row where a video was watched.
{{ view_of_partitions(['ad_insights_by_placement']) }}
select
    days.date_day,
    {%- for level in ['account', 'campaign', 'ad_set', 'ad'] %}
    {{ id_and_names(level) }}
    {%- endfor %}
    days.publisher_platform,
    days.platform_position,
    {{ current_currency() }},
    days.impressions,
    days.spend,
    {%- for count in video_counts() %}
    days.{{ count }},
    {%- endfor %}
    days.video_average_seconds,
    {{ video_rates() }},
    {{ current_is_provisional() }}
from {{ ref('int_ad_days_by_placement') }} as days
{{ join_current('ad_insights_by_placement', ['account', 'campaign', 'ad_set', 'ad']) }}
where days.video_plays > 0 or days.video_views_3s > 0
