select
    ---------- ids
    replace(node_id, 'act_', '') as account_id,

    ---------- properties
    name as account_name,
    account_status,
    currency,
    timezone_name,
    try_cast(spend_cap as decimal(18, 0)) as spend_cap_minor_units,
    try_cast(created_time as timestamptz) as created_at,
    cast(null as timestamptz) as updated_at,
    cast(null as varchar) as error,

    ---------- provenance
    _fetched_at as seen_at
from {{ source('raw_meta_ads', 'accounts_history') }}
