{# The staging of ads by breakdown: its ids, the day, the breakdown, and what was measured. It is said once because only
   the breakdown, and whether actions are asked for, differ by report: all else must be cast alike, or they don't add up to
   one total. A value that Meta does not give stays null here; the mart (`breakdown_report`) calls it `unknown`. #}
{% macro breakdown_staging(report, breakdowns, has_conversions=true) -%}
select
    ---------- ids
    account_id,
    campaign_id,
    adset_id as ad_set_id,
    ad_id,

    ---------- time
    day as date_day,

    ---------- breakdown: null where Meta gave no value
    {%- for column in breakdowns %}
    {{ column }},
    {%- endfor %}

    ---------- measures
    {{ delivery_measures() }},
    {%- if has_conversions %}
    {{ conversion_measures() }},
    {%- endif %}

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', report) }}
{%- endmacro %}
