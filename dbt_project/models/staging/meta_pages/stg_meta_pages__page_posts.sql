select
    ---------- ids
    id as post_id,
    node_id as page_id,

    ---------- time
    day as date_day,
    try_cast(created_time as timestamptz) as created_timestamp,
    try_cast(updated_time as timestamptz) as updated_at,

    ---------- properties
    message as post_message,
    permalink_url as post_url,
    status_type,
    try_cast(is_published as boolean) as is_published,
    coalesce(try_cast(is_deleted as boolean), false) as is_deleted,
    error,

    ---------- measures
    {{ lifetime_insights('insights') }} as insights,

    ---------- provenance
    _fetched_at as seen_at,
    _run_id
from {{ source('raw_meta_pages', 'page_posts') }}
