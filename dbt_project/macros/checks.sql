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

{# True when a text is no number, or when its digits don't fit into the type: a cast would lose them. #}
{% macro loses_value(name, type) -%}
    ({{ name }} is not null
        and (try_cast({{ name }} as {{ type }}) is null
            or try_cast({{ name }} as {{ type }}) is distinct from try_cast({{ name }} as decimal(38, 12))))
{%- endmacro %}
