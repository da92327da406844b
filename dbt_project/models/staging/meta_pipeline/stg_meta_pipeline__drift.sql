select
    report,
    replace(node_id, 'act_', '') as account_id,
    day as date_day,
    key,
    rows as rows_counted
from {{ source('raw_meta_pipeline', 'drift') }}
