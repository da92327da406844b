-- The latest version of every day of every report, and whether the day had ended on the account's calendar when it was
-- read.
with days as (
    select * from {{ ref('stg_meta_pipeline__day_versions') }} where replaced_at is null
),

accounts as (
    select account_id, {{ known_timezone('timezone_name') }} as timezone_name
    from {{ ref('stg_meta_ads__accounts') }}
),

nodes as (
    select node_id, {{ known_timezone('timezone_name') }} as timezone_name
    from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    days.report,
    days.account_id,
    days.date_day,
    days.landed_at,
    days.read_at,
    days.rows_read,
    days.unknown_rows,
    days.impressions,
    {{ was_running('days.read_at', 'coalesce(accounts.timezone_name, nodes.timezone_name)', 'days.date_day') }} as is_provisional
from days
left join accounts on days.account_id = accounts.account_id
left join nodes on days.account_id = nodes.node_id
