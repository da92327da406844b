-- What Meta reports of an Instagram account's Pacific day (`int_instagram_account_days`), with its name as it is now.
{{ view_of_partitions(['instagram_insights'], node='instagram_account_id') }}
with nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    days.date_day,
    days.instagram_account_id,
    nodes.node_name as username,
    {% for name in instagram_account_metrics() -%}
    days.{{ name }},
    {% endfor -%}
    days.follows,
    days.unfollows
from {{ ref('int_instagram_account_days') }} as days
left join nodes on days.instagram_account_id = nodes.node_id
