{%- set reports = [] %}
{%- for level in ['account', 'campaign'] %}{% for window in ['7d', '28d', 'month'] %}
{%- do reports.append(level ~ '_reach_' ~ window) %}
{%- endfor %}{% endfor -%}
{{ stored_partitions(reports) }}
select
    report,
    grain,
    account_id,
    campaign_id,
    date_day,
    window_start,
    impressions,
    reach
from {{ ref('stg_meta_ads__reach') }}
{{ only_changed() }}
