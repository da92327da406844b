select
    ---------- ids
    id as creative_id,
    replace(node_id, 'act_', '') as account_id,  -- a state that can't be read has none of its own
    {{ json_text('object_story_spec', '$.page_id') }} as story_page_id,
    effective_object_story_id,
    instagram_user_id,
    effective_instagram_media_id,
    image_hash,
    video_id,

    ---------- properties
    name as creative_name,
    status,
    object_type,
    title,
    body,
    call_to_action_type,
    case
        when {{ json_text('object_story_spec', '$.link_data.child_attachments[0].link') }} is not null then 'carousel'
        when video_id is not null then 'video'
        when image_hash is not null then 'image'
        else lower(object_type)
    end as creative_format,
    url_tags,
    {{ json_text('asset_feed_spec', '$.link_urls') }} as asset_feed_spec_link_urls,
    {%- for part in ['child_attachments', 'caption', 'description', 'link', 'message'] %}
    {{ json_text('object_story_spec', '$.link_data.' ~ part) }} as object_story_link_data_{{ part }},
    {%- endfor %}
    instagram_permalink_url,
    -- The destination URL, which each kind of creative has in another place; the first one of a carousel or an asset feed.
    coalesce(
        {{ json_text('object_story_spec', '$.link_data.link') }},
        {{ json_text('object_story_spec', '$.video_data.call_to_action.value.link') }},
        {{ json_text('object_story_spec', '$.template_data.link') }},
        {{ json_text('object_story_spec', '$.link_data.child_attachments[0].link') }},
        {{ json_text('asset_feed_spec', '$.link_urls[0].website_url') }},
        link_url
    ) as destination_url,
    cast(null as timestamptz) as updated_at,
    error,

    ---------- provenance
    _fetched_at as seen_at
from {{ source('raw_meta_ads', 'creatives_history') }}
