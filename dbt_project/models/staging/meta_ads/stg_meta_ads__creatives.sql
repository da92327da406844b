select
    ---------- ids
    id as creative_id,
    account_id,

    ---------- properties
    name as creative_name,
    status,
    error
from {{ source('raw_meta_ads', 'creatives') }}
