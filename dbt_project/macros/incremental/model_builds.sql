{# After a build, in its transaction: store the load that the model's rows now contain. #}
{% macro record_build() -%}
    {%- if execute and not is_incremental() -%}
        {%- do recorded_builds().pop(this.identifier, none) -%}
    {%- endif -%}
    {%- set tested = load_of_model('tested_to', this.identifier) if execute else -1 -%}
    create or replace temp table recorded_build as select
        '{{ this.identifier }}' as model,
        (select coalesce(max(loads), 0) from raw_meta_pipeline.warehouse_state) as built_to,
        nullif(cast({{ tested }} as bigint), -1) as tested_to;
    delete from raw_meta_pipeline.model_builds where model = '{{ this.identifier }}';
    insert into raw_meta_pipeline.model_builds select * from recorded_build
{%- endmacro %}

{# True for `--full-refresh`, and for a stored model without a recorded build: its table is of a release that did not
   log changes. #}
{% macro should_full_refresh() -%}
    {%- set configured = config.get('full_refresh') -%}
    {%- set is_full = flags.FULL_REFRESH if configured is none else configured -%}
    {%- if execute and not is_full and model.config.incremental_strategy == 'replace_partitions' -%}
        {{ return(load_of_model('built_to', this.identifier) < 0) }}
    {%- endif -%}
    {{ return(is_full) }}
{%- endmacro %}

{# At the end of a run: store the load up to which each model passed all of its tests, and delete changes that every model
   is built and tested with. A test that fails or warns reads the same partitions again in the next build, so a warning stays
   until its cause is gone. A view's tests are recorded with the load that is in the warehouse. #}
{% macro record_tests(results) -%}
    {%- if execute and flags.WHICH in ('build', 'test') -%}
    {%- set status = {} -%}
    {%- for result in results -%}
        {%- do status.update({result.node.unique_id: result.status | string}) -%}
    {%- endfor -%}
    {%- set untested = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'test' and status.get(node.unique_id) != 'pass' -%}
        {%- for id in node.depends_on.nodes -%}
            {%- do untested.update({id: true}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set tested = [] -%}
    {%- set readers = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.get('reports') -%}
        {%- if node.unique_id not in untested -%}
            {%- do tested.append(node.name) -%}
        {%- endif -%}
        {%- for report in node.config.meta.reports -%}
            {%- do readers.append("('" ~ node.name ~ "', '" ~ report ~ "')") -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ _set_tested(tested) if tested }}
    {{ _prune_changes(readers) if readers }}
    {%- endif -%}
{%- endmacro %}

{% macro _set_tested(names) -%}
    insert into raw_meta_pipeline.model_builds
    select unnest(['{{ names | join("', '") }}']), null, null
    except
    select model, null, null from raw_meta_pipeline.model_builds;
    update raw_meta_pipeline.model_builds
    set tested_to = coalesce(built_to, (select max(loads) from raw_meta_pipeline.warehouse_state), 0)
    where model in ('{{ names | join("', '") }}');
{%- endmacro %}

{% macro _prune_changes(readers) -%}
    delete from raw_meta_pipeline.changes
    using (
        select readers.report, min(least(coalesce(builds.built_to, builds.tested_to), coalesce(builds.tested_to, -1))) as done_to
        from (values {{ readers | join(', ') }}) as readers(model, report)
        inner join raw_meta_pipeline.model_builds as builds on readers.model = builds.model
        group by readers.report
    ) as reports
    where changes.report = reports.report and changes.load_number <= reports.done_to;
    delete from raw_meta_pipeline.changes
    where report not in (select report from (values {{ readers | join(', ') }}) as readers(model, report));
{%- endmacro %}
