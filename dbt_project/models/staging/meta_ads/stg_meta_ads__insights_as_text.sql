-- The rows of every report of insights with their measures as Meta wrote them, for checks of what a cast would lose. The
-- node is that of the request, not of the row.
{{ view_of_partitions(checked_reports().keys() | list) }}
{% for report, checked in checked_reports().items() %}
select
    ---------- ids
    '{{ report }}' as report,
    replace(node_id, 'act_', '') as account_id,
    hash({{ checked.key | join(', ') }}) as row_key,

    ---------- time
    day as date_day,

    ---------- measures
    {{ 'account_currency' if 'spend' in checked.measures else 'cast(null as varchar)' }} as currency,
    {%- for name in checked_measures() %}
    {{ name if name in checked.measures else 'cast(null as varchar)' }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ source('raw_meta_ads', report) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
