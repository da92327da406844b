with {{ unlisted_entities('ad', 'dim_ads') }},

listed as (
    select
        dims.ad_id as id,
        dims.valid_from as updated_time,
        dims.created_at as created_time,
        dims.account_id,
        dims.ad_set_id,
        dims.campaign_id,
        dims.creative_id,
        dims.ad_name as name,
        dims.status,
        cast(null as varchar) as conversion_domain,
        {{ synced_at() }} as _fivetran_synced
    from {{ ref('dim_ads') }} as dims
    {{ join_listings() }}
    where dims.error is null and dims.ad_set_id is not null and dims.campaign_id is not null
)

select * from listed
union all by name
select
    ad_id as id,
    first_seen_at as updated_time,
    account_id,
    ad_set_id,
    campaign_id,
    ad_name as name,
    last_seen_at as _fivetran_synced
from unlisted
