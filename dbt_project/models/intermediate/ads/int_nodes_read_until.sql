-- Until when a node's report has been read: the end of its last day that had ended when it was read, on the node's own
-- calendar. A node of which nothing has been read is as old as can be.
with nodes as (
    select
        node_id,
        replace(node_id, 'act_', '') as account_id,
        kind,
        coalesce({{ known_timezone('timezone_name') }}, 'Etc/GMT+12') as timezone_name
    from {{ ref('stg_meta_pipeline__nodes') }}
),

days as (
    select account_id, report, max(date_day) as last_day
    from {{ ref('int_report_days_read') }}
    where not is_provisional
    group by account_id, report
)

select
    nodes.node_id,
    nodes.kind,
    reports.report,
    days.last_day,
    coalesce(
        timezone(nodes.timezone_name, cast(days.last_day + 1 as timestamp)),
        cast('1970-01-01 00:00:00+00' as timestamp with time zone)
    ) as read_until
from nodes
inner join
    (values ('ad_account', 'ad_insights'), ('ad_account', 'account_insights'), ('page', 'page_insights'),
        ('instagram_account', 'instagram_insights')) as reports (kind, report)
    on nodes.kind = reports.kind
left join days on nodes.account_id = days.account_id and reports.report = days.report
