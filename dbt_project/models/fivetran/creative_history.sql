select
    creative_id || '/' || cast(epoch_us(valid_from) as varchar) as _fivetran_id,
    creative_id as id,
    account_id,
    creative_name as name,
    destination_url as page_link,
    cast(null as varchar) as template_page_link,
    url_tags,
    seen_at as _fivetran_synced
from {{ ref('dim_creatives') }}
where error is null
