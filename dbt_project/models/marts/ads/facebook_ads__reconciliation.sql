-- The sum of ads compared with the account's control total. Both are read at different moments and may differ for
-- recent days.
{{ view_of_partitions(['ad_insights', 'account_insights']) }}
select
    days.account_id,
    days.date_day,
    days.spend_difference,
    days.impressions_difference,
    days.clicks_difference,
    case
        when days.spend_difference = 0 and days.impressions_difference = 0 and days.clicks_difference = 0 then 'equal'
        when days.date_day < {{ utc_today() }} - {{ var('frozen_after_days') }} then 'different'
        else 'still moving'
    end as status
from {{ ref('int_reconciled_days') }} as days
