{# The columns that a report has of each level's present state, from `int_accounts_current` and its siblings. Reports join them
   at read time, so a renamed campaign rewrites no history (decision 0045). #}
{% macro current_columns(level) -%}
    {{ return({
        'account': ['account_name'],
        'campaign': [
            'campaign_name', 'campaign_status', 'objective', 'campaign_daily_budget', 'campaign_lifetime_budget',
            'campaign_start_at', 'campaign_end_at',
        ],
        'ad_set': [
            'ad_set_name', 'ad_set_status', 'optimization_goal', 'ad_set_daily_budget', 'ad_set_lifetime_budget',
            'ad_set_start_at', 'ad_set_end_at',
        ],
        'ad': ['ad_name', 'ad_status'],
    }[level]) }}
{%- endmacro %}

{# The id and the current columns of a level, for a select from `days` with `join_current`. #}
{% macro id_and_names(level) -%}
    days.{{ level }}_id,
    {%- for column in current_columns(level) %}
    {{ level }}s.{{ column }},
    {%- endfor %}
{%- endmacro %}

{# The first columns of a report of ads by day and breakdown: the day, ids and current names, breakdowns, currency. #}
{% macro keys_of_ad_days(breakdowns) -%}
days.date_day,
    {%- for level in ['account', 'campaign', 'ad_set', 'ad'] %}
    {{ id_and_names(level) }}
    {%- endfor %}
    {%- for name in breakdowns %}
    days.{{ name }},
    {%- endfor %}
    {{ current_currency() }},
{%- endmacro %}

{# The account's current currency; that of the row when the account is in no listing. #}
{% macro current_currency() -%}
    coalesce(accounts.currency, days.currency) as currency
{%- endmacro %}

{# True until a day of the report was read after it had ended. #}
{% macro current_is_provisional() -%}
    coalesce(days_read.is_provisional, true) as is_provisional
{%- endmacro %}

{# Join the current state of these levels to `days`, and the reads of the report's days. #}
{% macro join_current(report, levels) -%}
    {%- for level in levels -%}
left join {{ ref('int_' ~ level ~ 's_current') }} as {{ level }}s on days.{{ level }}_id = {{ level }}s.{{ level }}_id
{% endfor -%}
left join {{ ref('int_report_days_read') }} as days_read
    on days_read.report = '{{ report }}'
    and days.account_id = days_read.account_id
    and days.date_day = days_read.date_day
{%- endmacro %}
