-- What Meta reports of an Instagram account's Pacific day. Where Meta returned only the parts of a metric that adds up,
-- their sum is the total; people don't add up. `follows` and `unfollows` are FOLLOWER and NON_FOLLOWER of
-- `follows_and_unfollows`, null until Meta has them.
with metrics as (
    select
        * exclude (value),
        case
            when value is null and metric in ({{ quoted_list(additive_instagram_metrics()) }})
                then list_sum(list_transform(results, lambda result: result.value))
            else value
        end as value
    from {{ ref('stg_instagram__instagram_insights') }}
    where coalesce(period, 'day') = 'day'
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    metrics.date_day,
    metrics.instagram_account_id,
    any_value(nodes.node_name) as username,
    {% for name in instagram_account_metrics() -%}
    {{ instagram_metric(name) }} as {{ name }},
    {% endfor -%}
    {% for name, value in {'follows': 'FOLLOWER', 'unfollows': 'NON_FOLLOWER'}.items() -%}
    cast(
        max({{ result_value('results', value) }}) filter (where metric = 'follows_and_unfollows') as bigint
    ) as {{ name }}{{ ',' if not loop.last }}
    {% endfor -%}
from metrics
left join nodes on metrics.instagram_account_id = nodes.node_id
group by metrics.date_day, metrics.instagram_account_id
