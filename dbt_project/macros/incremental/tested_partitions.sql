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

{# The relation with only the partitions that changed since its tests passed; '' for all of them. A few changed nodes, and
   the range of the changed days, are constants there, because DuckDB pushes a condition, but not a join, into the windows and
   the scans of a view (decision 0060). #}
{% macro changed_since_tested(relation) -%}
    {%- set meta = metas_of_partitioned().get(relation.schema ~ '.' ~ relation.identifier) -%}
    {%- if meta and not flags.FULL_REFRESH -%}
        {%- set since = load_of_model('tested_to', relation.identifier) -%}
        {%- if since >= 0 -%}
            {%- set changed = partitions_changed_since(meta, since) -%}
            {%- set conditions = constants_of_partitions(meta, changed) -%}
            {%- set narrowed = '(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as narrowed' -%}
    {{ narrowed if conditions else relation }}
            {%- if meta.by == 'day' or not conditions %} semi join ({{ changed }}) as changed using (
                {{- partition_columns(meta) | join(', ') }})
            {%- endif %}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Conditions that hold for every row of these partitions: their nodes, of which there may be 20, and their range of days. #}
{% macro constants_of_partitions(meta, partitions) -%}
    {%- set day = partition_columns(meta)[1] if meta.by == 'day' else 'null' -%}
    {%- set extent = query_once(
        "select count(distinct " ~ meta.node ~ "), string_agg(distinct chr(39) || " ~ meta.node ~ " || chr(39), ', '), "
        ~ "min(" ~ day ~ "), max(" ~ day ~ ") from (" ~ partitions ~ ")"
    )[0] -%}
    {%- set conditions = [] -%}
    {%- if 0 < extent[0] <= 20 -%}
        {%- do conditions.append(meta.node ~ ' in (' ~ extent[1] ~ ')') -%}
    {%- endif -%}
    {%- if meta.by == 'day' and extent[2] is not none -%}
        {%- do conditions.append(day ~ " between date '" ~ extent[2] ~ "' and date '" ~ extent[3] ~ "'") -%}
    {%- endif -%}
    {{ return(conditions) }}
{%- endmacro %}
