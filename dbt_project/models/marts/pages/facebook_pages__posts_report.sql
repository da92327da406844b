-- The lifetime metrics of a post as they were on the days of its snapshots, with its text as it is now. A post of which
-- Meta has returned no metric has one row, of the last day on which it was read.
{{ view_of_partitions(['page_posts'], node='page_id', by='node') }}
with snapshots as (
    select *
    from {{ ref('int_page_post_days') }}
    qualify {{ is_snapshot('post_id') }}
),

posts as (
    select * from {{ ref('dim_posts') }} where is_current
)

select
    posts.created_timestamp,
    snapshots.post_id,
    posts.post_message,
    posts.post_url,
    snapshots.page_id,
    posts.page_name,
    snapshots.date_day,
    {% for column in (post_metrics().keys() | list) + (post_durations().keys() | list) -%}
    snapshots.{{ column }},
    {% endfor -%}
    snapshots.reactions_total,
    row_number() over (partition by snapshots.post_id order by snapshots.date_day desc) = 1 as is_most_recent_record
from snapshots
inner join posts on snapshots.post_id = posts.post_id
