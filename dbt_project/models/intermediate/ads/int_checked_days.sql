-- A report's day of a node in figures that a check compares: its rows, doubled rows, values that a cast would lose,
-- values that can't be, currencies and sums. Only days that changed are read; `fct_check_failures` judges them.
{{ stored_partitions(names_of_checked_reports()) }}
with insights as (
    select
        *,
        {% for name, type in checked_measures().items() -%}
        {{ loses_value(name, type) }} as {{ name }}_is_lost,
        {% endfor -%}
        {% for name, type in checked_measures().items() -%}
        try_cast({{ name }} as {{ type }}) as {{ name }}_value{{ ',' if not loop.last }}
        {% endfor %}
    from (select * from {{ ref('stg_meta_ads__insights_as_text') }} {{ only_changed() }})
),

records as (
    select * from {{ ref('stg_meta_pages__records_as_text') }}
    {{ only_changed() }}
    union all
    select * from {{ ref('stg_instagram__records_as_text') }}
    {{ only_changed() }}
)

select
    report,
    account_id,
    date_day,
    count(*) as rows_loaded,
    count(*) - count(distinct row_key) as doubled_rows,
    {% for name in checked_measures() -%}
    count(*) filter ({{ name }}_is_lost){{ ' + ' if not loop.last }}
    {%- endfor %} as lost_values,
    left(min(case
        {% for name in checked_measures() -%}
        when {{ name }}_is_lost then '{{ name }} ' || {{ name }}
        {% endfor -%}
    end), 60) as lost_example,
    count(*) filter (
        {% for name in checked_measures() %}{{ name }}_value < 0{{ ' or ' if not loop.last }}{% endfor %}
    ) as negative_rows,
    count(*) filter (reach_value > impressions_value) as rows_with_excessive_reach,
    left(min(currency), 20) as currency,
    left(max(currency), 20) as other_currency,
    cast(sum(spend_value) as decimal(38, 6)) as spend,
    sum(cast(impressions_value as decimal(38, 0))) as impressions,
    sum(cast(clicks_value as decimal(38, 0))) as clicks_all
from insights
group by report, account_id, date_day

union all by name

select
    report,
    account_id,
    date_day,
    count(*) as rows_loaded,
    count(*) - count(distinct row_key) as doubled_rows,
    count(lost_value) as lost_values,
    left(min(lost_value), 60) as lost_example,
    0 as negative_rows,
    0 as rows_with_excessive_reach
from records
group by report, account_id, date_day
