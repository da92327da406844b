-- Every state of a post with its validity. The record of a deleted post has no fields, so that state keeps those of the
-- one before it. A record without fields of a post that is not deleted says nothing about its state.
{{ stored_partitions(['page_posts'], node='page_id', by='node') }}
with records as (
    select
        *,
        case when created_timestamp is null then 'no fields' end as error,
        case when created_timestamp is not null then [
            post_message, post_url, status_type, cast(is_published as varchar)
        ] end as content
    from {{ ref('int_page_post_days') }}
    {{ only_changed() }}
    qualify created_timestamp is not null
        or (is_deleted and max(created_timestamp) over (partition by post_id order by date_day) is not null)
        or (
            max(created_timestamp) over (partition by post_id) is null
            and row_number() over (partition by post_id order by date_day desc) = 1
        )
),

states as (
    select * from records
    window days as (partition by post_id order by date_day)
    qualify row_number() over days = 1
        or is_deleted <> lag(is_deleted) over days
        or content is distinct from lag(content) over days
),

{{ entity_spans('states', 'post_id') }}

select
    spans.post_id,
    known.page_id,
    known.post_message,
    known.post_url,
    known.status_type,
    known.is_published,
    known.created_timestamp,
    states.is_deleted,
    spans.valid_from,
    spans.valid_to,
    spans.valid_to is null as is_current,
    spans.seen_at,
    case when states.is_deleted then spans.seen_at end as deleted_seen_at
from spans
inner join known on spans.post_id = known.post_id and spans.known_at = known.seen_at
inner join states on spans.post_id = states.post_id and spans.seen_at = states.seen_at
