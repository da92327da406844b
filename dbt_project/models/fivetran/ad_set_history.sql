with {{ unlisted_entities('ad_set', 'dim_ad_sets') }},

listed as (
    select
        dims.ad_set_id as id,
        dims.valid_from as updated_time,
        dims.created_at as created_time,
        dims.account_id,
        dims.campaign_id,
        dims.ad_set_name as name,
        dims.start_at as start_time,
        dims.end_at as end_time,
        dims.status,
        dims.bid_strategy,
        dims.optimization_goal,
        cast(history.daily_budget_minor_units as bigint) as daily_budget,
        cast(history.lifetime_budget_minor_units as bigint) as lifetime_budget,
        case when dims.is_current then now.budget_remaining_minor_units end as budget_remaining,
        {{ synced_at() }} as _fivetran_synced
    from {{ ref('dim_ad_sets') }} as dims
    inner join {{ ref('stg_meta_ads__ad_set_history') }} as history
        on dims.ad_set_id = history.ad_set_id and dims.seen_at = history.seen_at
    left join {{ ref('stg_meta_ads__ad_sets') }} as now on dims.ad_set_id = now.ad_set_id
    {{ join_listings() }}
    where dims.error is null and dims.campaign_id is not null
)

select * from listed
union all by name
select
    ad_set_id as id,
    first_seen_at as updated_time,
    account_id,
    campaign_id,
    ad_set_name as name,
    last_seen_at as _fivetran_synced
from unlisted
