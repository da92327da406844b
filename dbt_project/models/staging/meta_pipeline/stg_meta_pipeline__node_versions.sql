select
    ---------- ids
    node_id,
    kind,
    name as node_name,
    access,
    owner_business_id,
    owner_business,
    tasks,
    timezone as timezone_name,
    currency,
    is_reached,

    ---------- time
    valid_from,
    valid_to
from {{ source('raw_meta_pipeline', 'node_versions') }}
