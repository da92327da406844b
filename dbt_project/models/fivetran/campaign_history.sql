with {{ unlisted_entities('campaign', 'dim_campaigns') }},

listed as (
    select
        dims.campaign_id as id,
        dims.valid_from as updated_time,
        dims.created_at as created_time,
        dims.account_id,
        dims.campaign_name as name,
        dims.start_at as start_time,
        dims.end_at as stop_time,
        dims.status,
        cast(history.daily_budget_minor_units as bigint) as daily_budget,
        cast(history.lifetime_budget_minor_units as bigint) as lifetime_budget,
        case when dims.is_current then now.budget_remaining_minor_units end as budget_remaining,
        {{ synced_at() }} as _fivetran_synced
    from {{ ref('dim_campaigns') }} as dims
    inner join {{ ref('stg_meta_ads__campaign_history') }} as history
        on dims.campaign_id = history.campaign_id and dims.seen_at = history.seen_at
    left join {{ ref('stg_meta_ads__campaigns') }} as now on dims.campaign_id = now.campaign_id
    {{ join_listings() }}
    where dims.error is null
)

select * from listed
union all by name
select
    campaign_id as id,
    first_seen_at as updated_time,
    account_id,
    campaign_name as name,
    last_seen_at as _fivetran_synced
from unlisted
