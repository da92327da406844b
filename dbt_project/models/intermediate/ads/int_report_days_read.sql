-- The latest version of every day of every report, and whether the day had ended on the account's calendar when it was
-- read. A changed time zone replaces all days of its account.
{{ stored_partitions(['day_versions', 'accounts_history', 'nodes'], also='days_of_changed_timezones()') }}
with days as (
    select * from {{ ref('stg_meta_pipeline__day_versions') }}
    {{ only_changed(in_range=false) }}
    where replaced_at is null
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
    zones.timezone_name,
    {{ was_running('days.read_at', 'zones.timezone_name', 'days.date_day') }} as is_provisional
from days
left join ({{ current_timezones() }}) as zones on days.account_id = zones.node_id
