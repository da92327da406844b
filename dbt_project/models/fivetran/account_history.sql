select
    dims.account_id as id,
    dims.account_name as name,
    dims.account_status,
    cast(null as varchar) as business_country_code,
    dims.created_at as created_time,
    dims.currency,
    dims.timezone_name,
    dims.valid_from as _fivetran_synced
from {{ ref('dim_accounts') }} as dims
