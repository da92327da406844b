-- Every known story with the figures that a webhook reported when it ended (`figures_from`), and otherwise with the last
-- values that Meta returned while it was live. `insights_error` says why there are none.
{{ view_of_partitions(['instagram_media', 'instagram_stories'], node='instagram_account_id', by='node') }}
with records as (
    select * from {{ ref('int_instagram_media_days') }} where is_story
),

latest as (
    select
        * exclude (insights_error),
        case when metrics_read = 0 then insights_error end as insights_error
    from records
    qualify row_number() over (
        partition by media_id order by metrics_read > 0 desc, date_day desc
    ) = 1
),

fields as (
    select
        * exclude (ended_at, is_webhook_lost),
        max(ended_at) over (partition by media_id) as last_ended_at,
        bool_or(is_webhook_lost) over (partition by media_id) as is_webhook_lost
    from records
    qualify row_number() over (partition by media_id order by has_fields desc, date_day desc) = 1
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
),

ours as (
    select * from {{ ref('stg_meta_pipeline__created_objects') }}
)

select
    fields.media_id,
    fields.instagram_account_id,
    coalesce(fields.username, nodes.node_name) as username,
    fields.created_timestamp,
    fields.last_ended_at as ended_at,
    fields.post_caption,
    fields.media_type,
    fields.media_url,
    fields.post_url,
    fields.thumbnail_url,
    latest.date_day,
    latest.seen_at,
    latest.reach,
    latest.views,
    latest.replies,
    latest.shares,
    latest.total_interactions,
    latest.exits,
    latest.taps_back,
    latest.taps_forward,
    latest.swipes_forward,
    latest.insights_error,
    case when latest.story_insights is not null then 'webhook' when latest.metrics_read > 0 then 'poll' end as figures_from,
    fields.is_webhook_lost and latest.story_insights is null as is_webhook_lost,
    ours.object_id is not null as is_ours
from fields
inner join latest on fields.media_id = latest.media_id
left join nodes on fields.instagram_account_id = nodes.node_id
left join ours on fields.media_id = ours.object_id
