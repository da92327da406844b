{# At the end of a build: write the descriptions of the sources as comments of the raw tables that have none yet, or a
   different one. dbt's `persist_docs` covers only relations that dbt itself creates. #}
{% macro comment_sources() -%}
    {%- if execute and flags.WHICH == 'build' -%}
    {%- set query -%}
        select schema_name || '.' || table_name, coalesce(comment, '')
        from duckdb_tables()
        where database_name = current_database() and starts_with(schema_name, 'raw_')
    {%- endset -%}
    {%- set comments = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do comments.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- for source in graph.sources.values() -%}
        {%- set name = source.schema ~ '.' ~ source.identifier -%}
        {%- if name in comments and comments[name] != source.description -%}
            comment on table {{ name }} is {{ duckdb_escape_comment(source.description) }};
        {%- endif -%}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
