select
    message_id,
    conversation_id,
    page_id,
    written_at,
    is_from_page
from {{ source('raw_meta_conversations', 'messages') }}
