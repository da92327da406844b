select
    ---------- ids
    account_id,

    ---------- properties
    name as account_name,
    account_status,
    currency,
    timezone_name,
    try_cast(created_time as timestamptz) as created_at
from {{ source('raw_meta_ads', 'accounts') }}
