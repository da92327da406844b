select
    ---------- ids
    node_id as page_id,

    ---------- time
    day as date_day,
    try_cast(end_time as timestamptz) as end_at,

    ---------- metric
    name as metric,

    ---------- measures
    {{ numbers_by_key('value') }} as value_by_key,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_pages', 'page_audience') }}
