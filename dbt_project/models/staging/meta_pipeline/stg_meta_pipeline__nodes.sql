select
    node_id,
    kind,
    name as node_name,
    access,
    owner_business,
    timezone as timezone_name,
    currency,
    related
from {{ source('raw_meta_pipeline', 'nodes') }}
