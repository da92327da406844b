select
    date_day,
    replace(node_id, 'act_', '') as account_id,
    report,
    cast(calls as bigint) as calls,
    cast(operations as bigint) as operations,
    cast(rows_read as bigint) as rows_read,
    cast(calls_failed as bigint) as calls_failed,
    cast(seconds as double) as seconds,
    cast(longest_s as double) as longest_s
from {{ ref('stg_meta_pipeline__graph_calls') }}
