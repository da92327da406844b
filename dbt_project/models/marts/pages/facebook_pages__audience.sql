-- The followers of a Page by city and country on the day of the snapshot.
{{ view_of_partitions(['page_audience'], node='page_id') }}
select
    date_day,
    page_id,
    dimension,
    value,
    followers
from {{ ref('int_page_audience_days') }}
