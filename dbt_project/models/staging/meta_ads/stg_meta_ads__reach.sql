{% set windows = {'7d': '7 days', '28d': '28 days', 'month': 'month'} %}
{% for level in ['account', 'campaign'] %}{% set outer = loop %}{% for window, grain in windows.items() %}
select
    ---------- ids
    '{{ level }}_reach_{{ window }}' as report,
    account_id,
    {{ 'campaign_id' if level == 'campaign' else 'cast(null as varchar)' }} as campaign_id,

    ---------- time
    '{{ grain }}' as grain,
    day as date_day,
    try_cast(date_start as date) as window_start,

    ---------- measures
    try_cast(impressions as bigint) as impressions,
    try_cast(reach as bigint) as reach,

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', level ~ '_reach_' ~ window) }}
{% if not (outer.last and loop.last) %}union all{% endif %}
{% endfor %}{% endfor %}
