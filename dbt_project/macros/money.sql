{# An amount that Meta gives in a currency's minor units, in major ones; null when the currency is not in the table of
   offsets: never a guess. #}
{% macro major_units(amount, minor_units) -%}
    try_cast({{ amount }} * cast(1.0 / {{ minor_units }} as decimal(9, 6)) as decimal(24, 6))
{%- endmacro %}
