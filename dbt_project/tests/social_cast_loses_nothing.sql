-- depends_on: {{ ref('stg_meta_pages__page_insights') }}
-- A value of Pages or Instagram that is present in raw and null after its cast was lost. Of metrics, those are checked
-- that a mart has a column for.
{% set fields = {
    'raw_meta_pages.page_insights': {'end_time': 'timestamptz'},
    'raw_meta_pages.page_posts': {'created_time': 'timestamptz', 'updated_time': 'timestamptz', 'is_published': 'boolean',
        'is_deleted': 'boolean'},
    'raw_instagram.instagram_insights': {'value': 'bigint', 'end_time': 'timestamptz'},
    'raw_instagram.instagram_media': {'timestamp': 'timestamptz', 'like_count': 'bigint', 'comments_count': 'bigint',
        'is_comment_enabled': 'boolean', 'is_deleted': 'boolean'},
    'raw_instagram.instagram_stories': {'timestamp': 'timestamptz', 'ended_at': 'timestamptz', 'is_deleted': 'boolean'},
} %}
{% set insights = {
    'raw_meta_pages.page_posts': post_metrics().values() | list + post_durations().values() | list
        + ['post_reactions_by_type_total'],
    'raw_instagram.instagram_media': media_metrics() + media_durations(),
    'raw_instagram.instagram_stories': media_metrics() + story_actions().keys() | list,
} %}
{{ config(meta={'reports': [
    'page_insights', 'page_posts', 'page_audience', 'instagram_insights', 'instagram_media', 'instagram_stories',
    'instagram_demographics',
]}) }}
{% for table, columns in fields.items() %}
select '{{ table }}' as report, node_id, day, payload
from {{ source(*table.split('.')) }}
{{ only_untested([table.split('.')[1]], ['node_id', 'day']) }}
where {% for column, type in columns.items() -%}
    ({{ column }} is not null and try_cast({{ column }} as {{ type }}) is null)
    {% if not loop.last %}or {% endif %}{% endfor %}
union all
{% endfor %}

{% for table, metrics in insights.items() %}
select '{{ table }}' as report, node_id, day, payload
from (select *, {{ lifetime_insights('insights') }} as parsed from {{ source(*table.split('.')) }}
    {{ only_untested([table.split('.')[1]], ['node_id', 'day']) }})
where insights is not null
    and (
        parsed is null
        or len(list_filter(
            parsed,
            lambda entry: entry.name in ({{ quoted_list(metrics) }}) and entry.value is not null
                and {{ is_no_number('entry.value') }}
        )) > 0
    )
union all
{% endfor %}

{% for table in ['raw_instagram.instagram_insights', 'raw_instagram.instagram_demographics'] %}
select '{{ table }}' as report, node_id, day, payload
from (select *, {{ total_value('total_value') }} as parsed from {{ source(*table.split('.')) }}
    {{ only_untested([table.split('.')[1]], ['node_id', 'day']) }})
where total_value is not null
    and (
        parsed is null
        or (parsed.value is not null and try_cast(parsed.value as bigint) is null)
        or len(flatten(list_transform(
            parsed.breakdowns,
            lambda part: list_filter(
                coalesce(part.results, []),
                lambda result: result.value is not null and try_cast(result.value as bigint) is null
            )
        ))) > 0
    )
union all
{% endfor %}

select 'page_insights' as report, node_id, day, payload
from {{ source('raw_meta_pages', 'page_insights') }}
{{ only_untested(['page_insights'], ['node_id', 'day']) }}
where name in ({{ quoted_list(page_metrics().values()) }}) and value is not null and {{ is_no_number('value') }}
union all
select 'page_audience' as report, node_id, day, payload
from {{ source('raw_meta_pages', 'page_audience') }}
{{ only_untested(['page_audience'], ['node_id', 'day']) }}
where value is not null and {{ is_no_number('value') }}
