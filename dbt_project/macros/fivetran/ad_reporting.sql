{# A report in the form of Fivetran's `ad_reporting` package, whose ad groups are Meta's ad sets. `levels` are those below
   the account; all rows are of one account, in its own currency. #}
{% macro ad_reporting(report, levels, more=[]) -%}
{%- set theirs = {'ad_set': 'ad_group'} -%}
{{ view_of_partitions(['ad_insights'] if report != 'account' else ['account_insights']) }}
select
    {{ ad_reporting_source() }}
    date_day,
    {%- for level in ['account'] + levels %}
    {{ level }}_id{{ ' as ' ~ theirs[level] ~ '_id' if level in theirs }},
    {{ level }}_name{{ ' as ' ~ theirs[level] ~ '_name' if level in theirs }},
    {%- endfor %}
    {%- for column in more %}
    {{ column }},
    {%- endfor %}
    link_clicks as clicks,
    impressions,
    spend,
    conversions,
    conversions_value
from {{ ref('facebook_ads__' ~ report ~ '_report') }}
{%- endmacro %}

{# The source of the rows: one connection, so Fivetran's `source_relation` is empty. #}
{% macro ad_reporting_source() -%}
    '' as source_relation,
    'facebook_ads' as platform,
{%- endmacro %}

{# Months by geography, at the account's level: the package expects no campaign there. #}
{% macro ad_reporting_geography(breakdown, columns, has_conversions=true) -%}
select
    {{ ad_reporting_source() }}
    cast(date_trunc('month', days.date_day) as date) as date_month,
    days.account_id,
    any_value(accounts.account_name) as account_name,
    cast(null as varchar) as campaign_id,
    'Account-level' as campaign_name,
    {%- for name, expression in columns.items() %}
    {{ expression }} as {{ name }},
    {%- endfor %}
    cast(sum(days.link_clicks) as bigint) as clicks,
    cast(sum(days.impressions) as bigint) as impressions,
    cast(sum(days.spend) as decimal(18, 6)) as spend,
    {{ 'cast(sum(days.conversions) as decimal(18, 6))' if has_conversions else 'cast(null as decimal(18, 6))' }} as conversions,
    {{ 'cast(sum(days.conversions_value) as decimal(18, 6))' if has_conversions else 'cast(null as decimal(18, 6))' }} as conversions_value
from {{ ref('int_ad_days_by_' ~ breakdown) }} as days
left join {{ ref('int_accounts_current') }} as accounts on days.account_id = accounts.account_id
group by date_trunc('month', days.date_day), days.account_id, days.{{ breakdown }}
{%- endmacro %}
