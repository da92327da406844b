{# Create a view whose tables are named without the database: the file works under any name, and attached to another. A
   view with a contract has its columns in the contract's order, as a table has. #}
{% macro duckdb__create_view_as(relation, sql) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        {%- set sql = get_select_subquery(sql) -%}
    {%- endif -%}
    create view {{ relation }} as (
        {{ sql | replace('"' ~ relation.database ~ '".', '') }}
    );
{%- endmacro %}
