{# The metrics that the marts of Pages and Instagram have columns for, as data: the column and Meta's name of the metric.
   `checked_node_reports` checks the same. #}

{% macro page_metrics() -%}
    {{ return({
        'media_views': 'page_media_view',
        'media_views_unique': 'page_total_media_view_unique',
        'post_engagements': 'page_post_engagements',
        'views_total': 'page_views_total',
        'video_views': 'page_video_views',
        'video_complete_views_30s': 'page_video_complete_views_30s',
        'video_view_time_ms': 'page_video_view_time',
        'follows': 'page_follows',
        'daily_follows': 'page_daily_follows',
        'daily_follows_unique': 'page_daily_follows_unique',
        'daily_unfollows_unique': 'page_daily_unfollows_unique',
        'total_actions': 'page_total_actions',
        'actions_post_reactions_total': 'page_actions_post_reactions_total',
        'fan_adds': 'page_fan_adds',
        'fan_removes': 'page_fan_removes',
        'impressions': 'page_impressions',
        'posts_impressions': 'page_posts_impressions',
        'video_views_10s': 'page_video_views_10s',
    }) }}
{%- endmacro %}

{% macro post_metrics() -%}
    {{ return({
        'clicks': 'post_clicks',
        'impressions': 'post_impressions',
        'media_views': 'post_media_view',
        'media_views_unique': 'post_total_media_view_unique',
        'video_views': 'post_video_views',
        'video_views_10s': 'post_video_views_10s',
        'video_views_15s': 'post_video_views_15s',
        'likes': 'post_reactions_like_total',
    }) }}
{%- endmacro %}

{# Durations: milliseconds in Meta's metrics, seconds in the marts. #}
{% macro post_durations() -%}
    {{ return({
        'video_avg_time_watched': 'post_video_avg_time_watched',
        'video_view_time': 'post_video_view_time',
    }) }}
{%- endmacro %}

{% macro instagram_account_metrics() -%}
    {{ return([
        'reach', 'views', 'accounts_engaged', 'total_interactions', 'likes', 'comments', 'saves', 'shares', 'reposts',
        'replies', 'profile_views', 'website_clicks', 'profile_links_taps', 'follower_count',
    ]) }}
{%- endmacro %}

{# The metrics whose parts add up; counts of people don't. #}
{% macro additive_instagram_metrics() -%}
    {{ return(['views', 'total_interactions', 'likes', 'comments', 'saves', 'shares', 'reposts', 'replies']) }}
{%- endmacro %}

{% macro media_metrics() -%}
    {{ return([
        'views', 'total_views', 'reach', 'likes', 'total_likes', 'comments', 'total_comments', 'saved', 'shares',
        'reposts', 'replies', 'total_interactions', 'impressions', 'video_views', 'plays',
    ]) }}
{%- endmacro %}

{# Durations: milliseconds in Meta's metrics, seconds in the marts. #}
{% macro media_durations() -%}
    {{ return(['ig_reels_avg_watch_time', 'ig_reels_video_view_total_time']) }}
{%- endmacro %}

{# Actions of a story's viewers: values of the metric `navigation`, formerly separate metrics. #}
{% macro story_actions() -%}
    {{ return({
        'exits': 'TAP_EXIT', 'taps_back': 'TAP_BACK', 'taps_forward': 'TAP_FORWARD', 'swipes_forward': 'SWIPE_FORWARD',
    }) }}
{%- endmacro %}

{# The metrics that a webhook reports when a story ends. #}
{% macro reported_story_metrics() -%}
    {{ return(['reach', 'replies', 'exits', 'taps_back', 'taps_forward']) }}
{%- endmacro %}

{# Fivetran's columns of Instagram media, by kind of media: the end of the column's name, and the metric in it. #}
{% macro fivetran_media_columns() -%}
    {% set feed = {
        'engagement': 'total_interactions', 'reach': 'reach', 'saved': 'saved', 'shares': 'shares', 'views': 'views',
        'impressions': 'impressions',
    } %}
    {{ return({
        'carousel_album': dict(feed, video_views='video_views'),
        'video_photo': feed,
        'story': {
            'exits': 'exits', 'reach': 'reach', 'replies': 'replies', 'taps_back': 'taps_back',
            'taps_forward': 'taps_forward', 'shares': 'shares', 'views': 'views', 'impressions': 'impressions',
        },
        'reel': {
            'comments': 'comments', 'likes': 'likes', 'reach': 'reach', 'shares': 'shares',
            'total_interactions': 'total_interactions', 'views': 'views', 'plays': 'plays',
        },
    }) }}
{%- endmacro %}
