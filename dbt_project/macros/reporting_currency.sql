{# An amount of a row in the reporting currency, by the rate of its day (`join_exchange_rates`); null where no rate covers it. #}
{% macro in_reporting_currency(amount) -%}
    try_cast({{ amount }} * exchange_rates.rate as decimal(18, 6))
{%- endmacro %}

{# The reporting currency and the amounts of a row of `rows` in it. #}
{% macro reporting_columns(amounts=['spend'], rows='days') -%}
    exchange_rates.reporting_currency,
    {%- for name in amounts %}
    {{ in_reporting_currency(rows ~ '.' ~ name) }} as {{ name }}_in_reporting_currency,
    {%- endfor %}
{%- endmacro %}

{# Join the rate of a row's currency and day. Rates are joined when a report is read, so new ones rewrite no day. They are stored
   by day because DuckDB joins equal days ten times as fast as ranges of them (decision 0062). #}
{% macro join_exchange_rates(currency='coalesce(accounts.currency, days.currency)', day='days.date_day') -%}
left join {{ ref('int_exchange_rates_by_day') }} as exchange_rates
    on {{ currency }} = exchange_rates.currency
    and {{ day }} = exchange_rates.date_day
{%- endmacro %}
