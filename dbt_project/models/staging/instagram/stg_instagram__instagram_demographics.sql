with parsed as (
    select *, {{ total_value('total_value') }} as total
    from {{ source('raw_instagram', 'instagram_demographics') }}
)

select
    ---------- ids
    node_id as instagram_account_id,

    ---------- time
    day as date_day,

    ---------- metric
    name as metric,
    timeframe,
    breakdown,

    ---------- measures
    {{ breakdown_results('total') }} as results,

    ---------- provenance
    _fetched_at,
    _run_id
from parsed
