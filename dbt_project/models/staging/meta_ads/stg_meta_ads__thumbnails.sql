select
    ---------- ids
    id as creative_id,
    replace(node_id, 'act_', '') as account_id,

    ---------- properties
    sha256 as thumbnail_sha256,
    path as thumbnail_path,
    error as thumbnail_error
from {{ source('raw_meta_ads', 'thumbnails') }}
