-- depends_on: {{ ref('stg_meta_ads__ad_insights') }}
-- A number that is present in raw and null in staging was lost by a cast.
{% set delivery = {'spend': 'decimal(18, 6)', 'impressions': 'bigint', 'clicks': 'bigint', 'inline_link_clicks': 'bigint'} %}
{% set reach = {'impressions': 'bigint', 'reach': 'bigint'} %}
{% set reports = {
    'ad_insights': dict(delivery, reach='bigint'), 'account_insights': dict(delivery, reach='bigint'),
    'campaign_insights': reach, 'ad_set_insights': reach,
} %}
{% for name in var('breakdown_reports') %}
{% do reports.update({'ad_insights_by_' ~ name: delivery}) %}
{% endfor %}
{% for level in ['account', 'campaign'] %}{% for window in ['7d', '28d', 'month'] %}
{% do reports.update({level ~ '_reach_' ~ window: reach}) %}
{% endfor %}{% endfor %}
{{ config(meta={'reports': reports.keys() | list}) }}
{% for report, measures in reports.items() %}
select '{{ report }}' as report, account_id, day, payload
from {{ source('raw_meta_ads', report) }}
{{ only_untested([report], ['node_id', 'day']) }}
where {% for name, type in measures.items() %}({{ name }} is not null and try_cast({{ name }} as {{ type }}) is null)
    {% if not loop.last %}or {% endif %}{% endfor %}
{% if not loop.last %}union all{% endif %}
{% endfor %}
