-- Media and stories as one list of records, one per media and day, with their lifetime metrics parsed.
{{ stored_partitions(['instagram_media', 'instagram_stories'], node='instagram_account_id') }}
with records as (
    select
        *,
        false as is_story,
        cast(null as timestamptz) as ended_at,
        cast(null as varchar) as insights_error,
        cast(null as varchar) as story_insights,
        false as is_webhook_lost
    from {{ ref('stg_instagram__instagram_media') }}
    {{ only_changed() }}
    union all by name
    select *, true as is_story
    from {{ ref('stg_instagram__instagram_stories') }}
    {{ only_changed() }}
)

select
    * exclude (insights, _run_id),
    created_timestamp is not null as has_fields,
    coalesce(len(insights), 0) + (story_insights is not null)::int as metrics_read,
    {{ media_values() }}
from records
qualify row_number() over (partition by media_id, date_day order by coalesce(len(insights), 0) desc, is_story desc) = 1
