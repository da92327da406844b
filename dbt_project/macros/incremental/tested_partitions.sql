{# The rows that a generic test reads: of a model with partitions, those that changed since its tests passed; everything
   after a full refresh. A `where` of the test's own applies too. #}
{% macro get_where_subquery(relation) -%}
    {%- set own = config.get('where', '') -%}
    {%- set changed = changed_since_tested(relation) if execute else '' -%}
    {%- if not own and not changed -%}
        {{ return(relation) }}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ changed ~ (' where ' ~ own if own else '') ~ ') dbt_subquery') }}
{%- endmacro %}

{# The end of a `from` clause: only the partitions of this relation that changed since its tests passed. #}
{% macro changed_since_tested(relation) -%}
    {%- set matching = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.schema == relation.schema
        and (node.alias or node.name) == relation.identifier and node.config.meta.get('reports') -%}
        {%- do matching.append(node) -%}
    {%- endfor -%}
    {%- if matching and not flags.FULL_REFRESH -%}
        {%- set meta = matching[0].config.meta -%}
        {%- set since = load_of_model('tested_to', relation.identifier) -%}
        {%- set was_tested = run_query('select ' ~ since).rows[0][0] >= 0 -%}
        {%- if was_tested %} semi join ({{ partitions_changed_since(meta, since) }}) as changed using ({{ partition_columns(meta) | join(', ') }}){% endif -%}
    {%- endif -%}
{%- endmacro %}
