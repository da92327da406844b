-- The lifetime metrics of media and stories as they were on the days of their snapshots, with the fields that they have
-- now. A media of which Meta has returned no metric has one row, of the last day on which it was read. Fivetran's columns
-- have the same values by kind of media: `carousel_album_`, `reel_`, `story_`, and `video_photo_` for all other.
{{ view_of_partitions(['instagram_media', 'instagram_stories'], node='user_id', by='node') }}
with records as (
    select * from {{ ref('int_instagram_media_days') }}
),

snapshots as (
    select * from records
    qualify {{ is_snapshot('media_id') }}
),

fields as (
    select
        *,
        case
            when is_story then 'story'
            when media_product_type = 'REELS' then 'reel'
            when media_type = 'CAROUSEL_ALBUM' then 'carousel_album'
            else 'video_photo'
        end as kind,
        first(is_deleted) over (partition by media_id order by date_day desc) as was_deleted
    from records
    qualify row_number() over (partition by media_id order by has_fields desc, date_day desc) = 1
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
),

metrics as (
    select * from snapshots
)

select
    metrics.date_day,
    metrics.media_id as post_id,
    fields.instagram_account_id as user_id,
    nodes.node_name as account_name,
    coalesce(fields.username, nodes.node_name) as username,
    fields.created_timestamp,
    fields.post_caption,
    fields.media_type,
    fields.media_product_type,
    fields.media_url,
    fields.post_url,
    fields.shortcode,
    fields.thumbnail_url,
    fields.is_comment_enabled,
    fields.is_story,
    fields.was_deleted as is_deleted,
    metrics.like_count,
    metrics.comment_count,
    {% for name in media_metrics() + media_durations() if name not in ['replies', 'impressions', 'video_views', 'plays'] -%}
    metrics.{{ name }},
    {% endfor -%}
    {% for kind, columns in fivetran_media_columns().items() -%}
    {% for column, metric in columns.items() -%}
    case when fields.kind = '{{ kind }}' then metrics.{{ metric }} end as {{ kind }}_{{ column }},
    {% endfor -%}
    {% endfor -%}
    metrics.video_views,
    row_number() over (partition by metrics.media_id order by metrics.date_day desc) = 1 as is_most_recent_record
from metrics
inner join fields on metrics.media_id = fields.media_id
left join nodes on fields.instagram_account_id = nodes.node_id
