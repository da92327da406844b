-- Every state of a creative with its validity, and the stored thumbnail.
{{ stored_partitions(['creatives_history', 'thumbnails'], by='node') }}
with states as (
    select * from {{ ref('stg_meta_ads__creative_history') }}
    {{ only_changed() }}
),

{{ entity_spans('states', 'creative_id') }},

thumbnails as (
    select * from {{ ref('stg_meta_ads__thumbnails') }}
)

select
    spans.creative_id,
    known.account_id,
    known.creative_name,
    known.status,
    known.object_type,
    known.creative_format,
    known.title,
    known.body,
    known.call_to_action_type,
    known.destination_url,
    known.url_tags,
    known.image_hash,
    known.video_id,
    known.effective_object_story_id,
    known.instagram_user_id,
    known.effective_instagram_media_id,
    known.instagram_permalink_url,
    thumbnails.thumbnail_sha256,
    thumbnails.thumbnail_path,
    thumbnails.thumbnail_error,
    {{ span_columns() }}
from spans
inner join known on spans.creative_id = known.creative_id and spans.known_at = known.seen_at
left join thumbnails on spans.creative_id = thumbnails.creative_id
