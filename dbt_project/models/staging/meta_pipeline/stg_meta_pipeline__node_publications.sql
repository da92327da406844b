select
    node_id,
    is_held_back,
    held_back_reason,
    last_good_at,
    last_good_build_id
from {{ source('raw_meta_pipeline', 'node_publications') }}
