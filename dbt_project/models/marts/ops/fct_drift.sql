select
    report,
    key,
    min(date_day) as first_day,
    max(date_day) as last_day,
    count(distinct account_id) as accounts,
    cast(sum(rows_counted) as bigint) as rows_counted
from {{ ref('stg_meta_pipeline__drift') }}
group by report, key
