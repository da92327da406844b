{# A run's queries about the builds and changes that were recorded before it. Only the end of the run changes these records,
   and every model and test reads them, so each query runs once (decision 0064). #}

{# The results of this run's queries, by query. A process may run dbt again with the same graph. #}
{% macro answers_of_this_run() -%}
    {%- if graph.get('answered_in') != invocation_id -%}
        {%- do graph.update({'answered_in': invocation_id, 'answers': {}}) -%}
    {%- endif -%}
    {{ return(graph.answers) }}
{%- endmacro %}

{# The rows of a query whose result stays the same until the run ends. #}
{% macro query_once(query) -%}
    {%- set answers = answers_of_this_run() -%}
    {%- if query not in answers -%}
        {%- do answers.update({query: run_query(query).rows}) -%}
    {%- endif -%}
    {{ return(answers[query]) }}
{%- endmacro %}

{# The recorded builds by model: the last load that its rows contain, and the last one that its tests passed on; -1 for
   none. A model that this run has fully rebuilt is not included. #}
{% macro recorded_builds() -%}
    {%- set answers = answers_of_this_run() -%}
    {%- if 'recorded builds' not in answers -%}
        {%- set builds = {} -%}
        {%- for row in run_query('select model, built_to, tested_to from raw_meta_pipeline.model_builds').rows -%}
            {%- do builds.update({row[0]: {
                'built_to': -1 if row[1] is none else row[1] | int,
                'tested_to': -1 if row[2] is none else row[2] | int,
            }}) -%}
        {%- endfor -%}
        {%- do answers.update({'recorded builds': builds}) -%}
    {%- endif -%}
    {{ return(answers['recorded builds']) }}
{%- endmacro %}

{# The last load that a model's rows contain (`built_to`), or that its tests passed on (`tested_to`); -1 if there is none. #}
{% macro load_of_model(column, name) -%}
    {{ return(recorded_builds().get(name, {}).get(column, -1)) }}
{%- endmacro %}

{# The `meta` of the models that have partitions, by schema and table. #}
{% macro metas_of_partitioned() -%}
    {%- set answers = answers_of_this_run() -%}
    {%- if 'metas of partitioned models' not in answers -%}
        {%- set metas = {} -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.get('reports') -%}
            {%- do metas.update({node.schema ~ '.' ~ (node.alias or node.name): node.config.meta}) -%}
        {%- endfor -%}
        {%- do answers.update({'metas of partitioned models': metas}) -%}
    {%- endif -%}
    {{ return(answers['metas of partitioned models']) }}
{%- endmacro %}
