{# Whether a day had not ended on the account's own calendar when it was read. Of an account whose time zone is not known
   a day ends when it has ended everywhere on earth. #}
{% macro was_running(read_at, timezone_name, date_day) -%}
    cast({{ in_timezone(read_at, "coalesce(" ~ timezone_name ~ ", 'Etc/GMT+12')") }} as date) <= {{ date_day }}
{%- endmacro %}

{# An instant as a clock in that time zone shows it. #}
{% macro in_timezone(instant, timezone_name) -%}
    timezone({{ timezone_name }}, {{ instant }})
{%- endmacro %}

{# The time zone, or null when the warehouse does not know it: one account's must not stop all the others. #}
{% macro known_timezone(timezone_name) -%}
    case when {{ timezone_name }} in (select name from pg_timezone_names()) then {{ timezone_name }} end
{%- endmacro %}

{# Joins the days of a report to its rows, for what is known of the day as a whole. #}
{% macro join_days(report, rows) -%}
left join {{ ref('int_report_days_read') }} as days
    on days.report = '{{ report }}'
    and {{ rows }}.account_id = days.account_id
    and {{ rows }}.date_day = days.date_day
{%- endmacro %}
