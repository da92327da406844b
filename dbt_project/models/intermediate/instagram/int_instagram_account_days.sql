-- The metrics of an Instagram account's Pacific day, one column each. Where Meta returned only the parts of a metric that
-- adds up, their sum is the total; people don't add up. `follows` and `unfollows` are FOLLOWER and NON_FOLLOWER of
-- `follows_and_unfollows`, null until Meta has them.
{{ stored_partitions(['instagram_insights'], node='instagram_account_id') }}
with metrics as (
    select
        * exclude (value),
        case
            when value is null and metric in ({{ quoted_list(additive_instagram_metrics()) }})
                then list_sum(list_transform(results, lambda result: result.value))
            else value
        end as value
    from (select * from {{ ref('stg_instagram__instagram_insights') }} {{ only_changed() }})
    where coalesce(period, 'day') = 'day'
)

select
    date_day,
    instagram_account_id,
    {% for name in instagram_account_metrics() -%}
    {{ instagram_metric(name) }} as {{ name }},
    {% endfor -%}
    {% for name, value in {'follows': 'FOLLOWER', 'unfollows': 'NON_FOLLOWER'}.items() -%}
    cast(
        max({{ result_value('results', value) }}) filter (where metric = 'follows_and_unfollows') as bigint
    ) as {{ name }}{{ ',' if not loop.last }}
    {% endfor -%}
from metrics
group by date_day, instagram_account_id
