{# Two CTEs: `level_days`, the days of accounts and campaigns, each with the report that it was read by, and `summed`, their sums
   by week or month. #}
{% macro period_sums(period) -%}
{%- set reports = {'account': 'account_insights', 'campaign': 'ad_insights'} -%}
level_days as (
    {%- for level in reports %}
    select
        '{{ level }}' as level,
        cast(date_trunc('{{ period }}', days.date_day) as date) as {{ period }}_start,
        days.account_id,
        {{ 'days.campaign_id' if level == 'campaign' else 'cast(null as varchar)' }} as campaign_id,
        {{ current_currency() }},
        {%- for name in summed_columns('counts') + summed_columns('amounts') %}
        days.{{ name }},
        {%- endfor %}
        {{ reporting_columns(['spend', 'conversions_value']) }}
        '{{ reports[level] }}' as report
    from {{ ref('int_' ~ level ~ '_days') }} as days
    left join {{ ref('int_accounts_current') }} as accounts on days.account_id = accounts.account_id
    {{ join_exchange_rates() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        level,
        report,
        {{ period }}_start,
        cast({{ period }}_start + interval 1 {{ period }} - interval 1 day as date) as last_day,
        account_id,
        campaign_id,
        max(currency) as currency,
        {%- for name in summed_columns('counts') %}
        cast(sum({{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        {%- for name in summed_columns('amounts') %}
        cast(sum({{ name }}) as decimal(18, 6)) as {{ name }},
        {%- endfor %}
        {%- for name in summed_columns('converted') %}
        case when count(reporting_currency) = count(*) then cast(sum({{ name }}) as decimal(18, 6)) end as {{ name }},
        {%- endfor %}
        case when count(reporting_currency) = count(*) then max(reporting_currency) end as reporting_currency
    from level_days
    group by level, report, {{ period }}_start, account_id, campaign_id
)
{%- endmacro %}

{# The columns of a period that are sums: counts, amounts, and amounts in the reporting currency. #}
{% macro summed_columns(kind) -%}
    {{ return({
        'counts': ['impressions', 'clicks_all', 'link_clicks'],
        'amounts': ['spend', 'conversions', 'conversions_value'] + group_columns(),
        'converted': ['spend_in_reporting_currency', 'conversions_value_in_reporting_currency'],
    }[kind]) }}
{%- endmacro %}

{# A report by week or month, of accounts and campaigns. Counts and money are sums of days. Reach is Meta's own of exactly these
   days, because people can't be added up: the window of `facebook_ads__reach_report` that ends with the period. #}
{% macro period_report(period, grain) -%}
with {{ period_sums(period) }},

-- `read_until`: the last day of the account that was read after it had ended, in any period.
days_read as (
    select
        report,
        account_id,
        cast(date_trunc('{{ period }}', date_day) as date) as {{ period }}_start,
        count(*) filter (where not is_provisional) as days_read,
        bool_or(is_provisional) as is_provisional,
        max(max(date_day) filter (where not is_provisional)) over (partition by report, account_id) as read_until
    from {{ ref('int_report_days_read') }}
    where report in ('account_insights', 'ad_insights')
    group by report, account_id, date_trunc('{{ period }}', date_day)
),

windows as (
    select account_id, campaign_id, window_start, date_day, reach
    from {{ ref('facebook_ads__reach_report') }}
    where grain = '{{ grain }}' and is_complete
),

periods as (
    select
        summed.*,
        coalesce(days_read.days_read, 0) as days_read,
        coalesce(days_read.days_read = summed.last_day - summed.{{ period }}_start + 1, false) as is_complete,
        coalesce(days_read.is_provisional or days_read.read_until < summed.last_day, true) as is_provisional
    from summed
    left join days_read
        on summed.report = days_read.report
        and summed.account_id = days_read.account_id
        and summed.{{ period }}_start = days_read.{{ period }}_start
),

days as (
    select
        periods.*,
        case when periods.is_complete then windows.reach end as reach,
        case
            when not periods.is_complete then 'period incomplete'
            when windows.reach is null then 'not measured'
            else 'measured'
        end as reach_status
    from periods
    left join windows
        on periods.account_id = windows.account_id
        and periods.campaign_id is not distinct from windows.campaign_id
        and periods.{{ period }}_start = windows.window_start
        and periods.last_day = windows.date_day
)

select
    days.level,
    days.{{ period }}_start,
    days.last_day,
    {{ id_and_names('account') }}
    {{ id_and_names('campaign') }}
    days.currency,
    days.impressions,
    days.link_clicks as clicks,
    {%- for name in ['clicks_all', 'link_clicks', 'reach', 'reach_status'] + summed_columns('amounts') + summed_columns('converted') %}
    days.{{ name }},
    {%- endfor %}
    days.reporting_currency,
    {{ rates(has_reach=true) }}
    cast(days.days_read as integer) as days_read,
    days.is_complete,
    days.is_provisional
from days
{% for level in ['account', 'campaign'] -%}
left join {{ ref('int_' ~ level ~ 's_current') }} as {{ level }}s on days.{{ level }}_id = {{ level }}s.{{ level }}_id
{% endfor -%}
{%- endmacro %}
