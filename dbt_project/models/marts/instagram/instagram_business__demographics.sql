-- The people behind an Instagram account on the day of the snapshot, by every combination of dimensions that was read.
{{ view_of_partitions(['instagram_demographics'], node='instagram_account_id') }}
select
    date_day,
    instagram_account_id,
    metric,
    timeframe,
    age,
    gender,
    country,
    city,
    value
from {{ ref('int_instagram_demographics_days') }}
