-- Media and stories as one list of snapshots.
with snapshots as (
    select *, false as is_story, cast(null as timestamptz) as ended_at, cast(null as varchar) as insights_error
    from {{ ref('stg_instagram__instagram_media') }}
    union all by name
    select *, true as is_story
    from {{ ref('stg_instagram__instagram_stories') }}
)

select *, created_timestamp is not null as has_fields
from snapshots
qualify row_number() over (partition by media_id, date_day order by coalesce(len(insights), 0) desc, is_story desc) = 1
