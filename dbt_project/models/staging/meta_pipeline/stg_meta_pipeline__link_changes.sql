select
    change_id,
    changed_at,
    node_id,
    kind,
    change as change_type,
    value_before,
    value_after
from {{ source('raw_meta_pipeline', 'link_changes') }}
