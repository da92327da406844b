{# The configuration of a stored model that is replaced by partition: a node's day, or everything of a node
   (`by='node'`). `reports` are the raw tables whose changes rebuild it, as they are named in
   `raw_meta_pipeline.changes`; `node` is the column of the node's id. #}
{% macro stored_partitions(reports, node='account_id', by='day', also='') -%}
    {{ config(
        materialized='incremental',
        incremental_strategy='replace_partitions',
        on_schema_change='fail',
        meta={'reports': reports, 'node': node, 'by': by},
        pre_hook="{{ create_changed_partitions(" ~ also ~ ") }}",
        post_hook="{{ record_build() }}",
    ) }}
{%- endmacro %}

{# The same for a view over stored models: its tests run over the partitions that changed. `day` is its column of the day. #}
{% macro view_of_partitions(reports, node='account_id', by='day', day='date_day') -%}
    {{ config(materialized='view', meta={'reports': reports, 'node': node, 'by': by, 'day': day}) }}
{%- endmacro %}

{# The columns that identify a partition of a model with this `meta`. #}
{% macro partition_columns(meta) -%}
    {{ return([meta.node] if meta.by == 'node' else [meta.node, meta.get('day', 'date_day')]) }}
{%- endmacro %}

{# A query of the partitions whose raw rows changed in a load after this one. #}
{% macro partitions_changed_since(meta, load_number) -%}
    select distinct
        replace(node_id, 'act_', '') as {{ meta.node }}
        {%- if meta.by == 'day' %}, day as {{ meta.get('day', 'date_day') }}{% endif %}
    from raw_meta_pipeline.changes
    where report in ('{{ meta.reports | join("', '") }}') and load_number > {{ load_number }}
{%- endmacro %}

{# Before an incremental build: the changed partitions as a temporary table, for the model and for the strategy. `also` is
   a query of more partitions. #}
{% macro create_changed_partitions(also=none) -%}
    {%- if is_incremental() -%}
    create or replace temp table changed_partitions as
    {{ partitions_changed_since(model.config.meta, load_of_model('built_to', this.identifier)) }}
    {%- if also %}
    union
    {{ also }}
    {%- endif %}
    {%- endif -%}
{%- endmacro %}

{# The end of a `from` clause: only rows of changed partitions when the build is incremental. The range of days is also written as
   constants: DuckDB then skips other days before it computes a column of theirs. #}
{% macro only_changed(in_range=true) -%}
    {%- if is_incremental() %}
    {%- set meta = model.config.meta %}
    semi join changed_partitions using ({{ partition_columns(meta) | join(', ') }})
    {%- if in_range and meta.by == 'day' %}
    {%- set changed = partitions_changed_since(meta, load_of_model('built_to', this.identifier)) %}
    {%- set days = query_once('select min(date_day), max(date_day) from (' ~ changed ~ ')')[0] %}
    where date_day between {{ "date '" ~ days[0] ~ "' and date '" ~ days[1] ~ "'" if days[0] else 'null and null' }}
    {%- endif %}
    {%- endif %}
{%- endmacro %}

{# The strategy `replace_partitions`: delete the changed partitions and insert their present rows. A partition that became
   empty is in the changes, so it is deleted too. #}
{% macro get_incremental_replace_partitions_sql(arguments) -%}
    {%- set target = arguments['target_relation'] %}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') %}
    delete from {{ target }} as stored using changed_partitions as changed
    where {% for column in partition_columns(model.config.meta) -%}
        stored.{{ column }} = changed.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor %};
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}
