{# The reports of insights whose rows are checked: the columns of their key, and their measures as they are named in raw. #}
{% macro checked_reports() -%}
    {%- set delivery = ['spend', 'impressions', 'clicks', 'inline_link_clicks'] -%}
    {%- set levels = delivery + ['reach'] -%}
    {%- set reach = ['impressions', 'reach'] -%}
    {%- set reports = {
        'ad_insights': {'key': ['ad_id'], 'measures': levels},
        'account_insights': {'key': ['account_id'], 'measures': levels},
        'campaign_insights': {'key': ['campaign_id'], 'measures': reach},
        'ad_set_insights': {'key': ['adset_id'], 'measures': reach},
    } -%}
    {%- for name, breakdowns in var('breakdown_reports').items() -%}
        {%- do reports.update({'ad_insights_by_' ~ name: {'key': ['ad_id'] + breakdowns, 'measures': delivery}}) -%}
    {%- endfor -%}
    {%- for level in ['account', 'campaign'] -%}{%- for window in ['7d', '28d', 'month'] -%}
        {%- do reports.update({level ~ '_reach_' ~ window: {'key': [level ~ '_id'], 'measures': reach}}) -%}
    {%- endfor -%}{%- endfor -%}
    {{ return(reports) }}
{%- endmacro %}

{# The measures that checks read. #}
{% macro checked_measures() -%}
    {{ return({
        'spend': 'decimal(18, 6)', 'impressions': 'bigint', 'clicks': 'bigint', 'inline_link_clicks': 'bigint',
        'reach': 'bigint',
    }) }}
{%- endmacro %}

{# True when a text is not a number, or when its digits don't fit the type: a cast would lose them. #}
{% macro loses_value(name, type) -%}
    ({{ name }} is not null
        and (try_cast({{ name }} as {{ type }}) is null
            or try_cast({{ name }} as {{ type }}) is distinct from try_cast({{ name }} as decimal(38, 12))))
{%- endmacro %}

{# The reports of Pages and Instagram accounts whose rows are checked: the columns of their key; `fields` that are cast, with
   their types; and the part of a record that has numbers: a `value` (of these metrics, or of all), a `total_value`, or
   `insights` with these metrics. Only metrics that a mart has a column for are checked. #}
{% macro checked_node_reports() -%}
    {%- set states = {'is_deleted': 'boolean'} -%}
    {%- set media = dict(states, timestamp='timestamptz', like_count='bigint', comments_count='bigint', is_comment_enabled='boolean') -%}
    {{ return({
        'raw_meta_pages': {
            'page_insights': {
                'key': ['name', 'period', 'end_time', 'breakdown', 'is_from_ads', 'is_from_followers'],
                'fields': {'end_time': 'timestamptz'},
                'value': page_metrics().values() | list,
            },
            'page_audience': {'key': ['name', 'period', 'end_time'], 'fields': {}, 'value': []},
            'page_posts': {
                'key': ['id'],
                'fields': dict(states, created_time='timestamptz', updated_time='timestamptz', is_published='boolean'),
                'insights': post_metrics().values() | list + post_durations().values() | list + ['post_reactions_by_type_total'],
            },
        },
        'raw_instagram': {
            'instagram_insights': {
                'key': ['name', 'period', 'end_time', 'breakdown'],
                'fields': {'value': 'bigint', 'end_time': 'timestamptz'},
                'total_value': true,
            },
            'instagram_demographics': {'key': ['name', 'period', 'timeframe', 'breakdown'], 'fields': {}, 'total_value': true},
            'instagram_media': {'key': ['id'], 'fields': media, 'insights': media_metrics() + media_durations()},
            'instagram_stories': {
                'key': ['id'],
                'fields': dict(states, timestamp='timestamptz', ended_at='timestamptz'),
                'insights': media_metrics() + story_actions().keys() | list,
            },
        },
    }) }}
{%- endmacro %}

{# The names of all reports that are checked. #}
{% macro names_of_checked_reports() -%}
    {%- set names = checked_reports().keys() | list -%}
    {%- for reports in checked_node_reports().values() -%}{%- do names.extend(reports.keys()) -%}{%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# The staging model of the records of a source's reports: their key, and one of their values that a cast would lose. #}
{% macro records_as_text(source_name) -%}
{% set reports = checked_node_reports()[source_name] %}
{{ view_of_partitions(reports.keys() | list) }}
{% for report, checked in reports.items() %}
select
    ---------- ids
    '{{ report }}' as report,
    node_id as account_id,
    hash({{ checked.key | join(', ') }}) as row_key,

    ---------- time
    day as date_day,

    ---------- properties
    {{ lost_value_of(checked) }} as lost_value
from {{ source(source_name, report) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
{%- endmacro %}

{# A value of a record that is present and null after its cast, with its name; null when there is none. #}
{% macro lost_value_of(checked) -%}
    case
        {%- for name, type in checked.fields.items() %}
        when {{ name }} is not null and try_cast({{ name }} as {{ type }}) is null then '{{ name }} ' || {{ name }}
        {%- endfor %}
        {%- if 'value' in checked %}
        when value is not null and {{ is_no_number('value') }}
            {%- if checked.value %} and name in ({{ quoted_list(checked.value) }}){% endif %} then name || ' ' || value
        {%- endif %}
        {%- if checked.total_value %}
        when total_value is not null and {{ total_value('total_value') }} is null then name || ' ' || total_value
        else list_filter(
            list_concat(
                [{{ total_value('total_value') }}.value],
                list_transform(
                    flatten(list_transform(
                        {{ total_value('total_value') }}.breakdowns, lambda part: coalesce(part.results, [])
                    )),
                    lambda result: result.value
                )
            ),
            lambda number: number is not null and try_cast(number as bigint) is null
        )[1]
        {%- endif %}
        {%- if checked.insights %}
        when insights is not null and {{ lifetime_insights('insights') }} is null then 'insights ' || insights
        else list_transform(
            list_filter(
                {{ lifetime_insights('insights') }},
                lambda entry: entry.name in ({{ quoted_list(checked.insights) }}) and entry.value is not null
                    and {{ is_no_number('entry.value') }}
            ),
            lambda entry: entry.name || ' ' || entry.value
        )[1]
        {%- endif %}
    end
{%- endmacro %}
