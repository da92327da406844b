-- People reached in a window, as counted by Meta: the reach of days does not add up to it.
with windows as (
    select
        days.*,
        {%- for level in ['account', 'campaign'] %}{% for column in current_columns(level) %}
        {{ level }}s.{{ column }},
        {%- endfor %}{% endfor %}
        {{ current_is_provisional() }}
    from {{ ref('int_reach_days') }} as days
    left join {{ ref('int_accounts_current') }} as accounts on days.account_id = accounts.account_id
    left join {{ ref('int_campaigns_current') }} as campaigns on days.campaign_id = campaigns.campaign_id
    left join {{ ref('int_report_days_read') }} as days_read
        on days.report = days_read.report
        and days.account_id = days_read.account_id
        and days.date_day = days_read.date_day
)

select
    grain,
    account_id,
    {{ current_columns('account') | join(', ') }},
    campaign_id,
    {{ current_columns('campaign') | join(', ') }},
    date_day,
    window_start,
    impressions,
    reach,
    {{ ratio('impressions', 'reach') }} as frequency,
    not is_provisional and (grain <> 'month' or date_day = last_day(date_day)) as is_complete,
    is_provisional
from windows
