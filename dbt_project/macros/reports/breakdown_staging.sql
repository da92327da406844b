{# The staging model of an ad report with breakdowns: ids, day, breakdown, measures. It is a macro because reports
   differ only in the breakdown and in whether they request actions; all other columns must be cast equally, or the reports don't
   add up to the same total. A missing breakdown value stays null here; the mart (`breakdown_report`) calls it `unknown`. #}
{% macro breakdown_staging(report, breakdowns, has_conversions=true, has_video=false) -%}
{{ view_of_partitions([report]) }}
select
    ---------- ids
    account_id,
    campaign_id,
    adset_id as ad_set_id,
    ad_id,

    ---------- time
    day as date_day,

    ---------- breakdown: null if Meta returned no value
    {%- for column in breakdowns %}
    {{ column }},
    {%- endfor %}

    ---------- measures
    {{ delivery_measures() }},
    {%- if has_conversions %}
    {{ conversion_measures() }},
    actions,
    {%- endif %}
    {%- if has_video %}
    {{ video_measures() }},
    {%- endif %}

    ---------- provenance
    _fetched_at,
    _run_id
from {{ source('raw_meta_ads', report) }}
{%- endmacro %}
