select
    dims.account_id as id,
    dims.account_name as name,
    dims.account_status,
    cast(null as varchar) as business_country_code,
    cast(null as varchar) as business_state,
    dims.created_at as created_time,
    dims.currency,
    dims.timezone_name,
    -- Of the moment at which the state was observed: it is another one in summer.
    date_diff(
        'minute',
        timezone('UTC', dims.seen_at),
        {{ in_timezone('dims.seen_at', known_timezone('dims.timezone_name')) }}
    ) / 60.0::double as timezone_offset_hours_utc,
    cast(null as bigint) as min_daily_budget,
    {{ synced_at() }} as _fivetran_synced
from {{ ref('dim_accounts') }} as dims
{{ join_listings() }}
where dims.currency is not null
