select
    page_id,
    form_id,
    name as form_name,
    status as form_status,
    created_at,
    read_at,
    is_refused
from {{ source('raw_meta_leads', 'lead_forms') }}
