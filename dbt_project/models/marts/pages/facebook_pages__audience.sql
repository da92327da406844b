-- The followers of a Page by city and country on the day of the snapshot.
with latest as (
    select * from {{ ref('stg_meta_pages__page_audience') }}
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
