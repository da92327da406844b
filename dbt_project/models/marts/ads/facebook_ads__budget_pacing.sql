-- What was spent of each budget, by day, beside what even pacing expects. A row is at the level that has the budget: the
-- campaign, or the ad sets of a campaign that has none. Amounts of a budget are those that were in force at the end of the day.
{{ view_of_partitions(['ad_insights'], by='node') }}
with numbered as (
    select
        account_id,
        date_day,
        is_provisional,
        coalesce(timezone_name, 'Etc/GMT+12') as timezone_name,
        row_number() over (partition by account_id order by date_day) as day_number
    from {{ ref('int_report_days_read') }}
    where report = 'ad_insights'
),

-- `read_since`: the first of the days without a gap that end with this one.
read_days as (
    select
        *,
        timezone(timezone_name, cast(date_day + 1 as timestamp)) as ends_at,
        min(date_day) over (partition by account_id, date_day - cast(day_number as integer)) as read_since
    from numbered
),

states as (
    {%- for level in ['campaign', 'ad_set'] %}
    select
        '{{ level }}' as budget_level,
        {{ level }}_id as budget_owner_id,
        account_id,
        campaign_id,
        {{ 'ad_set_id' if level == 'ad_set' else 'cast(null as varchar)' }} as ad_set_id,
        status = 'ACTIVE' and error is null as is_active,
        currency,
        nullif(daily_budget, 0) as daily_budget,
        nullif(lifetime_budget, 0) as lifetime_budget,
        start_at,
        end_at,
        valid_from,
        lag(valid_from) over (partition by account_id, {{ level }}_id order by valid_from) is null as is_first,
        valid_to
    from {{ ref('dim_' ~ level ~ 's') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

delivered as (
    select 'campaign' as budget_level, campaign_id as budget_owner_id, account_id, date_day, spend
    from {{ ref('int_campaign_days') }}
    union all
    select 'ad_set', ad_set_id, account_id, date_day, spend
    from {{ ref('int_ad_set_days') }}
),

-- A day before the first state that was observed has that state's budget.
budget_days as (
    select
        read_days.date_day,
        read_days.is_provisional,
        read_days.read_since,
        states.* exclude (valid_from, valid_to, is_first, start_at, end_at, daily_budget, lifetime_budget),
        states.valid_from <= read_days.ends_at as is_budget_observed,
        if(states.daily_budget is null, 'lifetime', 'daily') as budget_type,
        coalesce(states.daily_budget, states.lifetime_budget) as budget,
        cast({{ in_timezone('states.start_at', 'read_days.timezone_name') }} as date) as flight_start,
        cast({{ in_timezone('states.end_at - interval 1 second', 'read_days.timezone_name') }} as date) as flight_end,
        delivered.spend,
        bool_or(states.budget_level = 'campaign') over (
            partition by states.account_id, read_days.date_day, states.campaign_id
        ) as has_budget_of_campaign
    from read_days
    inner join states
        on read_days.account_id = states.account_id
        and (states.is_first or states.valid_from <= read_days.ends_at)
        and (states.valid_to is null or states.valid_to > read_days.ends_at)
    left join delivered
        on states.budget_level = delivered.budget_level
        and states.budget_owner_id = delivered.budget_owner_id
        and states.account_id = delivered.account_id
        and read_days.date_day = delivered.date_day
    where coalesce(states.daily_budget, states.lifetime_budget) is not null
),

-- A lifetime budget is for the flight, a daily one for the days of a calendar month that are in the flight.
in_periods as (
    select
        *,
        if(budget_type = 'daily', greatest(cast(date_trunc('month', date_day) as date), flight_start), flight_start) as period_start,
        if(budget_type = 'daily', least(last_day(date_day), flight_end), flight_end) as period_end
    from budget_days
    where (budget_level = 'campaign' or not has_budget_of_campaign)
        and (
            spend is not null
            or (
                is_active
                and is_budget_observed
                and date_day >= coalesce(flight_start, date_day)
                and date_day <= coalesce(flight_end, date_day)
            )
        )
),

counted as (
    select
        * exclude (spend),
        cast(coalesce(spend, 0) as decimal(18, 6)) as spend,
        nullif(greatest(period_end - period_start + 1, 0), 0) as period_days,
        nullif(greatest(date_day - period_start + 1, 0), 0) as days_elapsed,
        if(period_end > date_day, period_end - date_day, period_end - period_end) as days_remaining,
        coalesce(read_since <= period_start, false) as is_period_read,
        sum(coalesce(spend, 0)) over so_far as spend_to_date,
        sum(budget) over so_far as budgets_to_date
    from in_periods
    window so_far as (
        partition by budget_level, budget_owner_id, account_id, budget_type,
            if(budget_type = 'daily', date_trunc('month', date_day), null)
        order by date_day
    )
),

expected as (
    select
        *,
        if(budget_type = 'daily', budget, budget / period_days) as expected_spend,
        if(
            budget_type = 'daily', budgets_to_date, budget * least(days_elapsed, period_days) / period_days
        ) as expected_spend_to_date,
        if(budget_type = 'daily', budgets_to_date + budget * days_remaining, budget) as period_budget
    from counted
)

select
    days.date_day,
    {%- for level in ['account', 'campaign', 'ad_set'] %}
    {{ id_and_names(level) }}
    {%- endfor %}
    days.budget_level,
    days.budget_owner_id,
    days.budget_type,
    {{ current_currency() }},
    days.budget,
    days.is_budget_observed,
    days.period_start,
    days.period_end,
    cast(days.period_days as integer) as period_days,
    cast(days.days_elapsed as integer) as days_elapsed,
    cast(days.days_remaining as integer) as days_remaining,
    days.spend,
    cast(days.expected_spend as decimal(24, 6)) as expected_spend,
    cast(days.spend_to_date as decimal(18, 6)) as spend_to_date,
    cast(days.period_budget as decimal(24, 6)) as period_budget,
    days.is_period_read,
    {%- for name, expression in {
        'expected_spend_to_date': 'days.expected_spend_to_date',
        'pacing_difference': 'days.spend_to_date - days.expected_spend_to_date',
        'projected_spend': 'days.spend_to_date * days.period_days / days.days_elapsed',
    }.items() %}
    cast(case when days.is_period_read then {{ expression }} end as decimal(24, 6)) as {{ name }},
    {%- endfor %}
    case when days.is_period_read then {{ ratio('days.spend_to_date', 'days.expected_spend_to_date') }} end as pacing,
    case when days.is_period_read then {{ ratio('days.spend_to_date', 'days.period_budget') }} end as share_of_budget_spent,
    days.is_provisional
from expected as days
{% for level in ['account', 'campaign', 'ad_set'] -%}
left join {{ ref('int_' ~ level ~ 's_current') }} as {{ level }}s on days.{{ level }}_id = {{ level }}s.{{ level }}_id
{% endfor -%}
