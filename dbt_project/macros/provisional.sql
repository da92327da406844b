{# True if a day had not ended on the account's own calendar when it was read. For an account without a known time zone,
   a day ends when it has ended everywhere on earth. #}
{% macro was_running(read_at, timezone_name, date_day) -%}
    cast({{ in_timezone(read_at, "coalesce(" ~ timezone_name ~ ", 'Etc/GMT+12')") }} as date) <= {{ date_day }}
{%- endmacro %}

{# An instant as local time in a time zone. #}
{% macro in_timezone(instant, timezone_name) -%}
    timezone({{ timezone_name }}, {{ instant }})
{%- endmacro %}

{# The time zone, or null if DuckDB does not know it: an unknown one must not fail the build for all accounts. #}
{% macro known_timezone(timezone_name) -%}
    case when {{ timezone_name }} in (select name from pg_timezone_names()) then {{ timezone_name }} end
{%- endmacro %}

{# Join the days of a report to its rows, for the facts about a day as a whole. #}
{% macro join_days(report, rows) -%}
left join {{ ref('int_report_days_read') }} as days
    on days.report = '{{ report }}'
    and {{ rows }}.account_id = days.account_id
    and {{ rows }}.date_day = days.date_day
{%- endmacro %}
