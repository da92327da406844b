-- The metrics of a Page's Pacific day, one column each.
{{ stored_partitions(['page_insights'], node='page_id') }}
with metrics as (
    select * exclude (value), coalesce(value, {{ sum_of_keys('value_by_key') }}) as value
    from (select * from {{ ref('stg_meta_pages__page_insights') }} {{ only_changed() }})
    where period = 'day'
)

select
    page_id,
    date_day,
    {% for column, metric in page_metrics().items() -%}
    {{ page_metric(metric) }} as {{ column }},
    {% endfor -%}
    {{ page_metric('page_media_view', 'is_from_ads', '1') }} as media_views_from_ads,
    {{ page_metric('page_media_view', 'is_from_ads', '0') }} as media_views_organic
from metrics
group by page_id, date_day
