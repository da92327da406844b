-- Every known media and story with its latest values. `like_count` and `comment_count` are fields, which a listing has
-- on days without a snapshot too.
{{ view_of_partitions(['instagram_media', 'instagram_stories'], node='user_id', by='node') }}
with latest as (
    select * from {{ ref('instagram_business__posts_history') }} where is_most_recent_record
),

counts as (
    select media_id, like_count, comment_count
    from {{ ref('int_instagram_media_days') }}
    where has_fields
    qualify row_number() over (partition by media_id order by date_day desc) = 1
),

ours as (
    select * from {{ ref('stg_meta_pipeline__created_objects') }}
)

select
    latest.* exclude (is_most_recent_record, like_count, comment_count),
    counts.like_count,
    counts.comment_count,
    ours.object_id is not null as is_ours
from latest
left join counts on latest.post_id = counts.media_id
left join ours on latest.post_id = ours.object_id
