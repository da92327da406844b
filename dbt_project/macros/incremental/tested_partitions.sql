{# The rows that a generic test reads: of a model with partitions, those that changed since its tests passed; everything
   after a full refresh. A `where` of the test's own applies too. #}
{% macro get_where_subquery(relation) -%}
    {%- set own = config.get('where', '') -%}
    {%- set changed = changed_since_tested(relation) | trim if execute else '' -%}
    {%- if not own and not changed -%}
        {{ return(relation) }}
    {%- endif -%}
    {{ return('(select * from ' ~ (changed or relation) ~ (' where ' ~ own if own else '') ~ ') dbt_subquery') }}
{%- endmacro %}

{# The relation with only the partitions that changed since its tests passed; '' for all of them. A few changed nodes are
   constants there, because DuckDB takes a condition, and no join, into the windows of a view (decision 0060). #}
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
        {%- if was_tested -%}
            {%- set changed = partitions_changed_since(meta, since) -%}
            {%- set quoted = 'select chr(39) || ' ~ meta.node ~ ' || chr(39) from (' ~ changed ~ ') limit 21' -%}
            {%- set nodes = run_query(quoted).columns[0].values() | list if meta.by == 'node' else [] -%}
            {%- if nodes and nodes | length <= 20 %}
    (select * from {{ relation }} where {{ meta.node }} in ({{ nodes | join(', ') }})) as of_nodes
            {%- else %}
    {{ relation }} semi join ({{ changed }}) as changed using ({{ partition_columns(meta) | join(', ') }})
            {%- endif %}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
