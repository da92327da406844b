-- The totals of every report for an account's day, with their validity: `valid_from <= :moment and (valid_to > :moment
-- or valid_to is null)` selects them as of a moment. A day without rows has zeros, or null for a figure that the report
-- does not request.
{{ stored_partitions(['day_versions']) }}
select
    report,
    account_id,
    date_day,
    valid_from,
    valid_to,
    is_current,
    cast(rows_read as bigint) as rows_read,
    cast(impressions as bigint) as impressions,
    cast(clicks_all as bigint) as clicks_all,
    cast(link_clicks as bigint) as link_clicks,
    cast(spend as decimal(18, 6)) as spend
from {{ ref('int_day_versions_spanned') }}
{{ only_changed() }}
