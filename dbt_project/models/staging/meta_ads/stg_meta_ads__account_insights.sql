select
    ---------- ids
    account_id,
    account_name,

    ---------- time
    day as date_day,

    ---------- measures
    {{ delivery_measures() }},
    try_cast(reach as bigint) as reach,
    {{ conversion_measures() }},

    ---------- rates as Meta computes them, to check ours
    {{ rates_of_meta() }},

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'account_insights') }}
