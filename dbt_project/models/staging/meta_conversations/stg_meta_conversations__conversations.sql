select
    conversation_id,
    page_id,
    platform,
    updated_at,
    message_count,
    unreadable as unreadable_messages,
    read_at
from {{ source('raw_meta_conversations', 'conversations') }}
