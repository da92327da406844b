{# True if a day had not ended on the account's own calendar when it was read. For an account without a known time zone,
   a day ends when it has ended everywhere on earth. #}
{% macro was_running(read_at, timezone_name, date_day) -%}
    cast({{ on_calendar(read_at, timezone_name) }} as date) <= {{ date_day }}
{%- endmacro %}

{# An instant as local time of an account; without a known time zone, of the last place on earth where a day ends. #}
{% macro on_calendar(instant, timezone_name) -%}
    {{ in_timezone(instant, "coalesce(" ~ timezone_name ~ ", 'Etc/GMT+12')") }}
{%- endmacro %}

{# How many days after its own a day was on its account's calendar at an instant; 0 while it runs. #}
{% macro age_of_day(instant, timezone_name, date_day) -%}
    greatest(cast({{ on_calendar(instant, timezone_name) }} as date) - {{ date_day }}, 0)
{%- endmacro %}

{# An instant as local time in a time zone. #}
{% macro in_timezone(instant, timezone_name) -%}
    timezone({{ timezone_name }}, {{ instant }})
{%- endmacro %}

{# The time zone, or null if DuckDB does not know it: an unknown one must not fail the build for all accounts. #}
{% macro known_timezone(timezone_name) -%}
    case when {{ timezone_name }} in (select name from pg_timezone_names()) then {{ timezone_name }} end
{%- endmacro %}

{# A query of the time zone of every account and node; null if DuckDB does not know it. #}
{% macro current_timezones() -%}
    select
        coalesce(accounts.account_id, nodes.node_id) as node_id,
        coalesce(
            {{ known_timezone('accounts.timezone_name') }}, {{ known_timezone('nodes.timezone_name') }}
        ) as timezone_name
    from {{ ref('int_accounts_current') }} as accounts
    full outer join (
        select replace(node_id, 'act_', '') as node_id, timezone_name from {{ ref('stg_meta_pipeline__nodes') }}
    ) as nodes on accounts.account_id = nodes.node_id
{%- endmacro %}

{# A query of the days in `int_report_days_read` whose account has another time zone now. #}
{% macro days_of_changed_timezones() -%}
    select distinct stored.account_id, stored.date_day
    from {{ this }} as stored
    left join ({{ current_timezones() }}) as zones on stored.account_id = zones.node_id
    where stored.timezone_name is distinct from zones.timezone_name
{%- endmacro %}

{# The instant at which a day ends in UTC, whatever the time zone of the reader's session. #}
{% macro end_of_utc_day(day) -%}
    timezone('UTC', cast({{ day }} + 1 as timestamp))
{%- endmacro %}

{# Today in UTC, whatever the time zone of the reader's session. #}
{% macro utc_today() -%}
    cast(timezone('UTC', now()) as date)
{%- endmacro %}
