-- Every state of a post with its validity (`int_page_post_spans`), and the Page's name as it is now.
{{ view_of_partitions(['page_posts'], node='page_id', by='node') }}
with nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
),

ours as (
    select * from {{ ref('stg_meta_pipeline__created_objects') }}
)

select
    spans.post_id,
    spans.page_id,
    nodes.node_name as page_name,
    spans.post_message,
    spans.post_url,
    spans.status_type,
    spans.is_published,
    spans.created_timestamp,
    spans.is_deleted,
    ours.object_id is not null as is_ours,
    spans.valid_from,
    spans.valid_to,
    spans.is_current,
    spans.seen_at,
    spans.deleted_seen_at
from {{ ref('int_page_post_spans') }} as spans
left join nodes on spans.page_id = nodes.node_id
left join ours on spans.post_id = ours.object_id
