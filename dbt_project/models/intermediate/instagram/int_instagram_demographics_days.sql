-- The people behind an Instagram account on the day of the snapshot, by every combination of dimensions that was read.
{{ stored_partitions(['instagram_demographics'], node='instagram_account_id') }}
with results as (
    select instagram_account_id, date_day, metric, timeframe, {{ exploded('results') }} as result
    from {{ ref('stg_instagram__instagram_demographics') }}
    {{ only_changed() }}
)

select
    date_day,
    instagram_account_id,
    metric,
    timeframe,
    {% for name in ['age', 'gender', 'country', 'city'] -%}
    result.dimension_values[list_position(result.dimension_keys, '{{ name }}')] as {{ name }},
    {% endfor -%}
    result.value
from results
