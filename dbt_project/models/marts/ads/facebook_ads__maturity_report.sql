-- How much of its final value an account's day had at each age, from its settled days: days that were read at an age at
-- which Meta no longer changes them. A day counts for the ages at which it had been read (decision 0061).
{{ view_of_partitions(['day_versions', 'ad_insights', 'ad_insights_versions', 'accounts_history', 'nodes'], by='node') }}
with settled as (
    select * from ({{ ages_when_read() }})
    where age_days > {{ var('frozen_after_days') }}
    qualify date_day > max(date_day) over (partition by account_id) - {{ var('maturity_window_days') }}
),

versions as (
    select
        spans.*,
        {{ age_of_day('spans.valid_from', 'settled.timezone_name', 'settled.date_day') }} as from_age,
        case
            when not spans.is_current
                then {{ age_of_day('spans.valid_to', 'settled.timezone_name', 'settled.date_day') }}
        end as to_age,
        hour({{ on_calendar('spans.valid_from', 'settled.timezone_name') }}) as from_hour
    from {{ ref('facebook_ads__restatement_report') }} as spans
    inner join settled on spans.account_id = settled.account_id and spans.date_day = settled.date_day
    where spans.report = 'ad_insights'
),

samples as (
    -- What was known when the day had this age and ended: the version that was read then, or last before.
    select
        versions.*,
        unnest(range(from_age, least(coalesce(to_age, {{ var('frozen_after_days') }} + 1), {{ var('frozen_after_days') }} + 1)))
            as age_days,
        cast(null as bigint) as read_hour
    from versions
    union all
    -- A running day has more by the hour, so it is compared with days that were read in the same one.
    select versions.*, 0, from_hour
    from versions
    where from_age = 0
    qualify row_number() over (partition by account_id, date_day, from_hour order by valid_from desc) = 1
),

compared as (
    select
        samples.account_id,
        samples.age_days,
        samples.read_hour,
        unnest([
            {%- for metric in maturing_metrics() %}
            {
                'metric': '{{ metric }}',
                'known_value': cast(samples.{{ metric }} as decimal(38, 6)),
                'final_value': cast(finals.{{ metric }} as decimal(38, 6))
            }{{ ',' if not loop.last }}
            {%- endfor %}
        ], recursive := true)
    from samples
    inner join versions as finals
        on samples.account_id = finals.account_id
        and samples.date_day = finals.date_day
        and finals.is_current
        and coalesce(samples.currency = finals.currency, true)
    left join {{ ref('int_accounts_current') }} as accounts on samples.account_id = accounts.account_id
    where coalesce(finals.currency = accounts.currency, true)
),

points as (
    select
        account_id,
        metric,
        age_days,
        read_hour,
        count(*) as days,
        cast(sum(known_value) as decimal(38, 6)) as known_value,
        cast(sum(final_value) as decimal(38, 6)) as final_value
    from compared
    where known_value is not null and final_value is not null
    group by account_id, metric, age_days, read_hour
)

select
    points.account_id,
    accounts.account_name,
    accounts.currency,
    points.metric,
    points.age_days,
    points.read_hour,
    points.days,
    points.known_value,
    points.final_value,
    {{ ratio('points.known_value', 'points.final_value') }} as share_of_final,
    points.days >= {{ var('maturity_min_days') }} as has_enough_days
from points
left join {{ ref('int_accounts_current') }} as accounts on points.account_id = accounts.account_id
