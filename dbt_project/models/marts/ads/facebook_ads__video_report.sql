-- The steps of a video, from impression to end, by ad and day; a row where a video was watched. Rates are shares of the step
-- before, from the row's own counts.
{{ view_of_partitions(['ad_insights']) }}
select
    days.date_day,
    {%- for level in ['account', 'campaign', 'ad_set', 'ad'] %}
    {{ id_and_names(level) }}
    {%- endfor %}
    {{ current_currency() }},
    days.impressions,
    days.spend,
    {%- for count in video_counts() %}
    days.{{ count }},
    {%- endfor %}
    days.video_average_seconds,
    {{ video_rates() }},
    {{ current_is_provisional() }}
from {{ ref('int_ad_days') }} as days
{{ join_current('ad_insights', ['account', 'campaign', 'ad_set', 'ad']) }}
where days.video_plays > 0 or days.video_views_3s > 0
