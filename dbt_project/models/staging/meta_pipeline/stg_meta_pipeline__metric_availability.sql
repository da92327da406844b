select
    node_id,
    report,
    applies_to,
    metric,
    requested_at,
    answered_at,
    empty_since,
    dead_since,
    reason
from {{ source('raw_meta_pipeline', 'metric_availability') }}
