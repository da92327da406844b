-- The followers of a Page by city and country on the day of the snapshot.
{{ stored_partitions(['page_audience'], node='page_id') }}
with latest as (
    select * from (select * from {{ ref('stg_meta_pages__page_audience') }} {{ only_changed() }})
    where metric in ('page_follows_city', 'page_follows_country')
    qualify row_number() over (partition by page_id, date_day, metric order by end_at desc nulls last) = 1
),

entries as (
    select page_id, date_day, metric, {{ exploded('map_entries(value_by_key)') }} as entry
    from latest
)

select
    date_day,
    page_id,
    replace(metric, 'page_follows_', '') as dimension,
    entry.key as value,
    cast(entry.value as bigint) as followers
from entries
