select
    ad_id as id,
    valid_from as updated_time,
    created_at as created_time,
    account_id,
    ad_set_id,
    campaign_id,
    creative_id,
    ad_name as name,
    status,
    cast(null as varchar) as conversion_domain,
    seen_at as _fivetran_synced
from {{ ref('dim_ads') }}
where error is null
