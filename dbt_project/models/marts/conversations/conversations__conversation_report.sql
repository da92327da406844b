-- Conversations with the number of their messages.
with messages as (
    select
        conversation_id,
        count(*) filter (not is_from_page) as messages_from_people,
        count(*) filter (is_from_page) as messages_from_page,
        not coalesce(arg_max(is_from_page, (written_at, message_id)), true) as is_waiting_for_page
    from {{ ref('stg_meta_conversations__messages') }}
    group by conversation_id
),

conversations as (
    select * from {{ ref('stg_meta_conversations__conversations') }}
),

pages as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    conversations.conversation_id,
    conversations.page_id,
    pages.node_name as page_name,
    conversations.platform,
    conversations.updated_at,
    conversations.message_count,
    coalesce(messages.messages_from_people, 0) as messages_from_people,
    coalesce(messages.messages_from_page, 0) as messages_from_page,
    conversations.unreadable_messages,
    coalesce(messages.is_waiting_for_page, false) as is_waiting_for_page
from conversations
left join messages on conversations.conversation_id = messages.conversation_id
left join pages on conversations.page_id = pages.node_id
