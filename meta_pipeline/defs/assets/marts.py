"""The models of dbt, built from the raw tables: those whose rows may have changed, in one invocation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.dbt_events import dagster_events
from meta_pipeline.defs.assets.keys import OWNERS, SOURCE, WRITER
from meta_pipeline.modelling.runner import DbtProject, ModelError, run_dbt
from meta_pipeline.modelling.selection import (
    Selection,
    names_of,
    select_changed,
    select_everything,
    select_models,
)
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.publish import freshness
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse.counts import row_counts
from meta_pipeline.warehouse.mart_builds import finish_mart_build, read_mart_state, start_mart_build

# By folder of the dbt project: where the data of its models comes from, if not from ads. What puts Pages beside ads is
# about Pages.
SOURCES = {
    "meta_pages": PAGE.source, "pages": PAGE.source, "social": PAGE.source, "instagram": INSTAGRAM_ACCOUNT.source,
    "meta_pipeline": "meta_pipeline", "ops": "meta_pipeline", "shared": "meta_pipeline",
}


class Translator(DagsterDbtTranslator):
    """A model's asset key is its own name; a source's is its raw table's."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the group of a model's folder; what leads to the marts is staging."""
        folder = dbt_resource_props["fqn"][1]
        return {"marts": "marts", "fivetran": "compat"}.get(folder, "staging")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """Return the owners of every asset of ours."""
        return OWNERS

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """Return dbt's tags, and where the data comes from: the source of a model's folder."""
        folders = dbt_resource_props["fqn"][1:]
        source = next((SOURCES[folder] for folder in folders if folder in SOURCES), SOURCE)
        return {**super().get_tags(dbt_resource_props), "source": source}


class MartConfig(dg.Config):
    """`is_full`: build every selected model anew from all of its rows, and run all of its tests."""

    is_full: bool = False


def mart_assets(project: DbtProject) -> dg.AssetsDefinition:
    """Return `marts`: every model of dbt's manifest."""
    manifest = project.read_manifest()

    @dbt_assets(manifest=manifest, dagster_dbt_translator=Translator(), pool=WRITER)
    def marts(
        context: dg.AssetExecutionContext, config: MartConfig, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[Any]:
        """Run dbt once for a batch of loaded days, on what the days have changed."""
        load_id, today = warehouse_state.find(runtime.engine).load_id, runtime.now().date()
        digest = freshness.structure_digest(runtime.warehouse.insights, parsed=project.digest)
        is_whole = set(context.selected_asset_keys) >= set(marts.keys)
        with runtime.warehouse.open() as connection:
            state = read_mart_state(connection)
            is_full = config.is_full or state.digest != digest
            if is_whole:
                selection = (
                    select_everything(manifest) if is_full
                    else select_changed(manifest, state.changed, is_new_day=state.built_on != today)
                )
                start_mart_build(connection, state.changed)
            else:
                selection = _selected(context, manifest)
        yield from _built(context, project, manifest, selection, is_full=is_full)
        if is_whole:
            with runtime.warehouse.open() as connection:
                finish_mart_build(connection, loads=state.loads, digest=digest, on=today)
            built = freshness.digest_of(runtime.warehouse.insights, today=today, parsed=project.digest)
            warehouse_state.record_marts(runtime.engine, load_id=load_id, digest=built)

    return marts


def _selected(context: dg.AssetExecutionContext, manifest: Mapping[str, Any]) -> Selection:
    """Return the models and tests that a person has selected in the UI."""
    translator, keys, checks = Translator(), context.selected_asset_keys, context.selected_asset_check_keys
    nodes = manifest["nodes"].items()
    return select_models(
        [
            unique_id for unique_id, node in nodes
            if node["resource_type"] in ("model", "seed") and translator.get_asset_key(node) in keys
        ],
        tests=[
            unique_id for unique_id, node in nodes
            if node["resource_type"] == "test"
            and get_asset_check_key_for_test(manifest, translator, unique_id, project=None) in checks
        ],
    )


def _built(
    context: dg.AssetExecutionContext, project: DbtProject, manifest: Mapping[str, Any], selection: Selection, *,
    is_full: bool,
) -> Iterator[Any]:
    """Run dbt and yield its events with row counts; ModelError after them when a model or a test fails.

    Rows are counted when dbt has closed the warehouse, so events come at its end."""
    events: list[dict[str, Any]] = []
    error: ModelError | None = None
    if selection:
        arguments = ["build"] if selection.is_full else [
            "build", "--indirect-selection", "empty", "--select", *names_of(manifest, selection.run)
        ]
        try:
            run_dbt(project, [*arguments, *(["--full-refresh"] if is_full else [])], on_event=events.append)
        except ModelError as raised:
            error = raised
    context.log.info(f"dbt ran {len(selection.run)} of {len(manifest['nodes'])} models and tests")
    yield from dagster_events(
        context, events, manifest=manifest, translator=Translator(), selection=selection,
        row_counts=row_counts(project.warehouse),
    )
    if error is not None:
        raise error
