-- What the days that Meta still changes will probably come to: their figures, divided by the share that settled days of the
-- account had at the same age. The estimates are arithmetic on one past, not figures of Meta.
{{ view_of_partitions(['day_versions', 'ad_insights', 'ad_insights_versions', 'accounts_history', 'nodes'], by='node') }}
with days as (
    select * from {{ ref('facebook_ads__restatement_report') }}
    where report = 'ad_insights' and is_current
),

curves as (
    select
        account_id,
        age_days,
        read_hour,
        max(days) as curve_days,
        {%- for metric in maturing_metrics() %}
        max(share_of_final) filter (where metric = '{{ metric }}' and has_enough_days) as {{ metric }}_share{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('facebook_ads__maturity_report') }}
    group by account_id, age_days, read_hour
)

select
    days.date_day,
    {{ id_and_names('account') }}
    {{ current_currency() }},
    days_read.is_provisional,
    days_read.age_days,
    days_read.read_hour,
    coalesce(curves.curve_days, 0) as curve_days,
    {%- for metric in maturing_metrics() %}
    days.{{ metric }},
    curves.{{ metric }}_share,
    {{ ratio('days.' ~ metric, 'curves.' ~ metric ~ '_share') }} as {{ metric }}_settled_estimate{{ ',' if not loop.last }}
    {%- endfor %}
from days
inner join ({{ ages_when_read() }}) as days_read
    on days.account_id = days_read.account_id and days.date_day = days_read.date_day
left join {{ ref('int_accounts_current') }} as accounts on days.account_id = accounts.account_id
left join curves
    on days.account_id = curves.account_id
    and days_read.age_days = curves.age_days
    and coalesce(days_read.read_hour, -1) = coalesce(curves.read_hour, -1)
    and coalesce(days.currency = accounts.currency, true)
where days_read.age_days <= {{ var('frozen_after_days') }}
