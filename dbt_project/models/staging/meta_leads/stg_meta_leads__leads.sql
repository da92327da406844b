select
    ---------- ids
    lead_id,
    page_id,
    form_id,
    campaign_id,
    adset_id as ad_set_id,
    ad_id,

    ---------- time
    created_at,

    ---------- properties
    is_organic,
    platform
from {{ source('raw_meta_leads', 'leads') }}
