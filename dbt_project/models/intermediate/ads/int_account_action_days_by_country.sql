-- The actions of an account by country, summed from its ads. Types overlap: choose one, never add them up.
{{ stored_partitions(['ad_insights_by_country']) }}
with actions as (
    select account_id, date_day, coalesce(country, 'unknown') as country, {{ exploded('actions') }} as action
    from (select * from {{ ref('stg_meta_ads__ad_insights_by_country') }} {{ only_changed() }})
)

select
    date_day,
    account_id,
    country,
    coalesce(action['action_type'], 'unknown') as action_type,
    row_number() over (
        partition by date_day, account_id, country order by coalesce(action['action_type'], 'unknown')
    ) - 1 as action_index,
    cast(sum(try_cast(action['value'] as decimal(18, 6))) as decimal(18, 6)) as value
from actions
group by date_day, account_id, country, coalesce(action['action_type'], 'unknown')
