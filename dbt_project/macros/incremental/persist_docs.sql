{# Comments are written with a new table, and to a view. A table of which only partitions are replaced has its comments
   already: they are part of the project, and a build with another project is a full refresh. #}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- if not (model.config.materialized == 'incremental' and is_incremental()) -%}
        {{ default__persist_docs(relation, model, for_relation, for_columns) }}
    {%- endif -%}
{%- endmacro %}
