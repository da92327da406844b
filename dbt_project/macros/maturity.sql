{# The metrics that have a maturity curve. #}
{% macro maturing_metrics() -%}
    {{ return(['spend', 'impressions', 'clicks_all', 'link_clicks', 'conversions', 'conversions_value']) }}
{%- endmacro %}

{# A query of the latest read of every day of the ads: its age then, and for a running day the hour, which starts at 0. #}
{% macro ages_when_read() -%}
    select
        account_id,
        date_day,
        timezone_name,
        is_provisional,
        {{ age_of_day('read_at', 'timezone_name', 'date_day') }} as age_days,
        case when is_provisional then hour({{ on_calendar('read_at', 'timezone_name') }}) end as read_hour
    from {{ ref('int_report_days_read') }}
    where report = 'ad_insights'
{%- endmacro %}
