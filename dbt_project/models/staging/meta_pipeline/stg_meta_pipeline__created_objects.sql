select
    object_id,
    object_kind,
    node_id,
    plan_id
from {{ source('raw_meta_pipeline', 'created_objects') }}
