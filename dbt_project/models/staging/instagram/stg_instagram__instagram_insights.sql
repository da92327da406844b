with parsed as (
    select *, {{ total_value('total_value') }} as total
    from {{ source('raw_instagram', 'instagram_insights') }}
)

select
    ---------- ids
    node_id as instagram_account_id,

    ---------- time
    day as date_day,
    try_cast(end_time as timestamptz) as end_at,

    ---------- metric
    name as metric,
    period,
    breakdown,
    value is not null as is_time_series,

    ---------- measures
    try_cast(coalesce(value, total.value) as bigint) as value,
    {{ breakdown_results('total') }} as results,

    ---------- provenance
    _fetched_at,
    _run_id
from parsed
