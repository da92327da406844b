select
    day as date_day,
    node_id,
    report,
    calls,
    operations,
    rows as rows_read,
    failed as calls_failed,
    seconds,
    longest_s
from {{ source('raw_meta_pipeline', 'graph_calls') }}
