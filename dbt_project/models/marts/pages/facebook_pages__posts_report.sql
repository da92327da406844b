-- The lifetime metrics of a post as they were on the days of its snapshots, with its text as it is now. A post of which
-- Meta has returned no metric has one row, of the last day on which it was read.
with snapshots as (
    select *
    from {{ ref('stg_meta_pages__page_posts') }}
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
    {% for column, metric in post_metrics().items() -%}
    {{ lifetime_metric(metric) }} as {{ column }},
    {% endfor -%}
    {% for column, metric in post_durations().items() -%}
    {{ lifetime_seconds(metric) }} as {{ column }},
    {% endfor -%}
    cast({{ sum_of_keys(numbers_by_key(lifetime_text('post_reactions_by_type_total'))) }} as bigint) as reactions_total,
    row_number() over (partition by snapshots.post_id order by snapshots.date_day desc) = 1 as is_most_recent_record
from snapshots
inner join posts on snapshots.post_id = posts.post_id
