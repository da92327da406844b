"""The models of dbt, built from the raw tables: those whose rows may have changed, in one invocation."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.dbt_events import dagster_results
from meta_pipeline.defs.assets.keys import WRITER
from meta_pipeline.defs.assets.mart_specs import UNIQUE_ID, MartSpecs, asset_key_of, load_specs
from meta_pipeline.modelling.runner import DbtProject, DbtRun, ModelError, RunDbt, run_dbt
from meta_pipeline.modelling.selection import Selection, select_changed, select_everything, select_models
from meta_pipeline.publish import freshness
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse.counts import row_counts
from meta_pipeline.warehouse.mart_builds import (
    finish_mart_build,
    peek_mart_state,
    read_mart_state,
    start_mart_build,
)


class MartConfig(dg.Config):
    """`is_full`: build every selected model anew from all of its rows, and run all of its tests. `is_whole_build`: the
    run covers all marts, and selects only those that the landed files may change."""

    is_full: bool = False
    is_whole_build: bool = False


def mart_assets(project: DbtProject, *, run: RunDbt = run_dbt) -> dg.AssetsDefinition:
    """Return `marts`: every model of dbt's manifest. `run`: runs dbt."""
    specs = load_specs(project.assets.read_bytes())

    @dg.multi_asset(name="marts", specs=specs.assets, check_specs=specs.checks, can_subset=True, pool=WRITER)
    def marts(
        context: dg.AssetExecutionContext, config: MartConfig, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[Any]:
        """Run dbt once for a batch of loaded days, on the models that these days have changed."""
        manifest = project.read_manifest()
        load_id, today = warehouse_state.find(runtime.engine).load_id, runtime.now().date()
        digest = freshness.structure_digest(runtime.warehouse.insights, parsed=project.digest)
        is_whole = config.is_whole_build or set(context.selected_asset_keys) >= set(marts.keys)
        with runtime.warehouse.open() as connection:
            state = read_mart_state(connection)
            is_full = config.is_full or state.digest != digest
            is_new_day = state.built_on != today
            if is_whole:
                selection = (
                    select_everything(manifest) if is_full
                    else select_changed(manifest, state.changed, is_new_day=is_new_day, untested=state.untested)
                )
                start_mart_build(connection, state.changed)
            else:
                selection = _selected(context, manifest, specs)
        ran = _run(project, selection, is_full=is_full, run=run)
        context.log.info(f"dbt ran {len(selection.run)} of {len(manifest['nodes'])} models and tests")
        with runtime.warehouse.open() as connection:
            yield from dagster_results(
                context, ran, manifest=manifest, checks=specs.checks, selection=selection,
                row_counts=row_counts(connection),
            )
            if ran.error:
                raise ModelError(ran.error)
            if is_whole:
                untested = () if is_full or is_new_day else state.untested | state.changed
                finish_mart_build(connection, loads=state.loads, digest=digest, on=today, untested=untested)
        if is_whole:
            built_with = freshness.digest_of(runtime.warehouse.insights, today=today, parsed=project.digest)
            warehouse_state.record_marts(runtime.engine, load_id=load_id, digest=built_with)

    return marts


def keys_that_may_change(
    project: DbtProject, runtime: Runtime, tables: Collection[str]
) -> set[dg.AssetKey] | None:
    """Return the assets of dbt's models that a load of these raw tables may change; None when all will be built."""
    state = peek_mart_state(runtime.warehouse.file)
    if state is None or state.digest != freshness.structure_digest(runtime.warehouse.insights, parsed=project.digest):
        return None
    manifest = project.read_manifest()
    selection = select_changed(
        manifest, {*state.changed, *tables}, is_new_day=state.built_on != runtime.now().date()
    )
    return {asset_key_of(manifest["nodes"][unique_id]) for unique_id in selection.changed}


def _selected(context: dg.AssetExecutionContext, manifest: Mapping[str, Any], specs: MartSpecs) -> Selection:
    """Return the models and tests that a person has selected in the UI."""
    keys, checks = context.selected_asset_keys, context.selected_asset_check_keys
    return select_models(
        [
            unique_id for unique_id, node in manifest["nodes"].items()
            if node["resource_type"] in ("model", "seed") and asset_key_of(node) in keys
        ],
        tests=[str(spec.metadata[UNIQUE_ID]) for spec in specs.checks if spec.key in checks],
    )


def _run(project: DbtProject, selection: Selection, *, is_full: bool, run: RunDbt) -> DbtRun:
    """Run dbt once on the selection; don't run it when the selection is empty."""
    if not selection:
        return DbtRun()
    arguments = ["build", *(["--full-refresh"] if is_full else [])]
    return run(project, arguments, select=None if selection.is_full else selection.run)
