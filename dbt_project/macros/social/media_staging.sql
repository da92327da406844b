{# The staging model of media or stories, which have the same fields; a story has the `more` columns too. #}
{% macro media_staging(report, more=[]) -%}
select
    ---------- ids
    id as media_id,
    node_id as instagram_account_id,

    ---------- time
    day as date_day,
    try_cast(timestamp as timestamptz) as created_timestamp,

    ---------- properties
    username,
    caption as post_caption,
    media_type,
    media_product_type,
    media_url,
    permalink as post_url,
    shortcode,
    thumbnail_url,
    try_cast(is_comment_enabled as boolean) as is_comment_enabled,
    coalesce(try_cast(is_deleted as boolean), false) as is_deleted,
    error,
    {%- for column in more %}
    {{ column }},
    {%- endfor %}

    ---------- measures
    try_cast(like_count as bigint) as like_count,
    try_cast(comments_count as bigint) as comment_count,
    {{ lifetime_insights('insights') }} as insights,

    ---------- provenance
    _fetched_at as seen_at,
    _run_id
from {{ source('raw_instagram', report) }}
{%- endmacro %}
