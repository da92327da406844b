-- Every record of a post, with its lifetime metrics parsed.
{{ stored_partitions(['page_posts'], node='page_id') }}
select
    post_id,
    page_id,
    date_day,
    created_timestamp,
    updated_at,
    post_message,
    post_url,
    status_type,
    is_published,
    is_deleted,
    seen_at,
    coalesce(len(insights), 0) as metrics_read,
    {% for column, metric in post_metrics().items() -%}
    {{ lifetime_metric(metric) }} as {{ column }},
    {% endfor -%}
    {% for column, metric in post_durations().items() -%}
    {{ lifetime_seconds(metric) }} as {{ column }},
    {% endfor -%}
    cast({{ sum_of_keys(numbers_by_key(lifetime_text('post_reactions_by_type_total'))) }} as bigint) as reactions_total
from {{ ref('stg_meta_pages__page_posts') }}
{{ only_changed() }}
