select
    ---------- ids
    account_id,
    ad_id,

    ---------- time
    day as date_day,
    _landed_at as landed_at,
    _replaced_at as replaced_at,

    ---------- measures
    {{ delivery_measures() }},
    {{ conversion_measures() }},

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', 'ad_insights_versions') }}
