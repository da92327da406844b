-- Meta's own control totals, not a sum of ads, so that a difference between the two is visible.
{{ view_of_partitions(['account_insights']) }}
select
    days.date_day,
    {{ id_and_names('account') }}
    accounts.account_status,
    accounts.timezone_name,
    {{ current_currency() }},
    {{ delivered_columns(has_reach=true) }}
    {{ rates(has_reach=true) }}
    {{ current_is_provisional() }}
from {{ ref('int_account_days') }} as days
{{ join_current('account_insights', ['account']) }}
{{ join_exchange_rates() }}
