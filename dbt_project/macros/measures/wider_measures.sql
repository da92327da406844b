{# The first value in a list of action objects of one type, as a number; null if the list is absent or has none. #}
{% macro action_value(actions, type='video_view', kind='bigint') -%}
    try_cast(list_filter({{ actions }}, lambda action: action.action_type = '{{ type }}')[1].value as {{ kind }})
{%- endmacro %}

{# A count that Meta leaves out when it is 0: 0 in a row that was requested with the wider fields, null in an older row. `ctr`
   is in every row with impressions that was requested with them (docs/decisions/0049). #}
{% macro measured(count) -%}
    case when ctr is not null then coalesce({{ count }}, 0) end
{%- endmacro %}

{# The steps of a video, all counts but the last. Views of three seconds are an action, so older rows have them, too. #}
{% macro video_measures() -%}
    {{ measured(action_value('video_play_actions')) }} as video_plays,
    coalesce({{ action_value('actions') }}, 0) as video_views_3s,
    {{ measured(action_value('video_thruplay_watched_actions')) }} as video_thruplays,
    {{ measured(action_value('video_30_sec_watched_actions')) }} as video_views_30s,
    {%- for share in [25, 50, 75, 95, 100] %}
    {{ measured(action_value('video_p' ~ share ~ '_watched_actions')) }} as video_p{{ share }},
    {%- endfor %}
    {{ action_value('video_avg_time_watched_actions', kind='decimal(18, 3)') }} as video_average_seconds
{%- endmacro %}

{# The names of the counts of `video_measures`. #}
{% macro video_counts() -%}
    {{ return(['video_plays', 'video_views_3s', 'video_thruplays', 'video_views_30s', 'video_p25', 'video_p50', 'video_p75',
        'video_p95', 'video_p100']) }}
{%- endmacro %}

{# The rates of a video, in percent, from the row's own counts. #}
{% macro video_rates() -%}
    cast(100 * days.video_views_3s / nullif(days.impressions, 0) as decimal(18, 6)) as hook_rate,
    cast(100 * days.video_thruplays / nullif(days.video_views_3s, 0) as decimal(18, 6)) as hold_rate
{%- endmacro %}

{# The rates of a row as Meta computes them. #}
{% macro rates_of_meta() -%}
    {%- for rate in ['ctr', 'cpc', 'cpm', 'cpp', 'frequency'] %}
    try_cast({{ rate }} as decimal(18, 6)) as meta_{{ rate }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# A mart of the steps of a video, by ad, day and breakdown; a row where a video was watched. Rates are shares of the step
   before, from the row's own counts. #}
{% macro video_report(report, breakdowns=[]) -%}
{{ view_of_partitions([report]) }}
select
    {{ keys_of_ad_days(breakdowns) }}
    days.impressions,
    days.spend,
    {{ reporting_columns() }}
    {%- for count in video_counts() %}
    days.{{ count }},
    {%- endfor %}
    days.video_average_seconds,
    {{ video_rates() }},
    {{ current_is_provisional() }}
from {{ ref(report | replace('ad_insights', 'int_ad_days')) }} as days
{{ join_current(report, ['account', 'campaign', 'ad_set', 'ad']) }}
{{ join_exchange_rates() }}
where days.video_plays > 0 or days.video_views_3s > 0
{%- endmacro %}
