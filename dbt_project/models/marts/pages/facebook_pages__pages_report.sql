-- What Meta reports of a Page's Pacific day. `media_views_organic` and `media_views_from_ads` are the parts of
-- `media_views` by `is_from_ads`. A metric that has ended stays in its column, null after its end.
{{ view_of_partitions(['page_insights'], node='page_id') }}
with days as (
    select * from {{ ref('int_page_days') }}
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    days.date_day,
    days.page_id,
    nodes.node_name as page_name,
    cast(media_views as bigint) as media_views,
    cast(media_views_unique as bigint) as media_views_unique,
    cast({{ part_of_total('media_views_from_ads', 'media_views_organic', 'media_views') }} as bigint) as media_views_from_ads,
    cast({{ part_of_total('media_views_organic', 'media_views_from_ads', 'media_views') }} as bigint) as media_views_organic,
    cast(post_engagements as bigint) as post_engagements,
    cast(views_total as bigint) as views_total,
    cast(video_views as bigint) as video_views,
    cast(video_complete_views_30s as bigint) as video_complete_views_30s,
    {{ seconds('video_view_time_ms') }} as video_view_time,
    cast(follows as bigint) as follows,
    cast(daily_follows as bigint) as daily_follows,
    cast(daily_follows_unique as bigint) as daily_follows_unique,
    cast(daily_unfollows_unique as bigint) as daily_unfollows_unique,
    cast(total_actions as bigint) as total_actions,
    cast(actions_post_reactions_total as bigint) as actions_post_reactions_total,
    cast(fan_adds as bigint) as fan_adds,
    cast(fan_removes as bigint) as fan_removes,
    cast(impressions as bigint) as impressions,
    cast(posts_impressions as bigint) as posts_impressions,
    cast(video_views_10s as bigint) as video_views_10s
from days
left join nodes on days.page_id = nodes.node_id
