select
    {{ creative_state_id() }} as _fivetran_id,
    dims.creative_id as id,
    dims.account_id,
    dims.creative_name as name,
    dims.destination_url as page_link,
    cast(null as varchar) as template_page_link,
    cast(to_json({{ url_tags_list('dims.url_tags') }}) as varchar) as url_tags,
    history.asset_feed_spec_link_urls,
    history.object_story_link_data_child_attachments,
    history.object_story_link_data_caption,
    history.object_story_link_data_description,
    history.object_story_link_data_link,
    history.object_story_link_data_message,
    {%- for system in ['android', 'ios', 'ipad', 'iphone'] %}
    cast(null as varchar) as template_app_link_spec_{{ system }},
    {%- endfor %}
    {{ synced_at() }} as _fivetran_synced
from {{ ref('dim_creatives') }} as dims
inner join {{ ref('stg_meta_ads__creative_history') }} as history
    on dims.creative_id = history.creative_id and dims.seen_at = history.seen_at
{{ join_listings() }}
where dims.error is null
