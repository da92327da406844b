-- What a person wrote without an answer in between is one request. The first message that could be read of a conversation with
-- older ones begins no request: it may continue an older one.
with messages as (
    select *
    from {{ ref('stg_meta_conversations__messages') }}
    where is_from_page is not null
),

conversations as (
    select * from {{ ref('stg_meta_conversations__conversations') }}
),

ordered as (
    select
        *,
        lag(is_from_page) over (partition by conversation_id order by written_at, message_id) as is_after_page,
        min(case when is_from_page then written_at end) over (
            partition by conversation_id
            order by written_at, message_id
            rows between 1 following and unbounded following
        ) as answered_at
    from messages
)

select
    ordered.message_id,
    ordered.conversation_id,
    ordered.page_id,
    conversations.platform,
    cast({{ in_timezone('ordered.written_at', "'America/Los_Angeles'") }} as date) as date_day,
    ordered.written_at as requested_at,
    ordered.answered_at,
    cast(epoch(ordered.answered_at) - epoch(ordered.written_at) as bigint) as response_time_s
from ordered
inner join conversations on ordered.conversation_id = conversations.conversation_id
where
    not ordered.is_from_page
    and (
        ordered.is_after_page
        or (ordered.is_after_page is null and coalesce(conversations.unreadable_messages, 0) = 0)
    )
