-- What was read of every report, and what was missing in it. A day that was read and has no rows is in this table; a
-- day that was not read is not.
with days as (
    select * from {{ ref('int_report_days_read') }}
),

totals as (
    select account_id, date_day, impressions > 0 as has_delivery
    from days
    where report = 'account_insights'
)

select
    days.report,
    days.account_id,
    days.date_day,
    cast(days.rows_read as bigint) as rows_read,
    cast(days.unknown_rows as bigint) as unknown_rows,
    days.rows_read = 0 as is_empty,
    totals.has_delivery,
    days.is_provisional,
    days.landed_at,
    days.read_at
from days
left join totals on days.account_id = totals.account_id and days.date_day = totals.date_day
