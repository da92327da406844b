"""The models of dbt, built from the raw tables."""

import functools
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from packaging.version import Version

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.dbt_manifest import DBT, target_folder
from meta_pipeline.defs.assets.keys import OWNERS, SOURCE, WRITER
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.processes.environment import exported
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish import freshness
from meta_pipeline.settings import Settings
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse.counts import row_counts

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


def mart_assets(manifest: Path) -> dg.AssetsDefinition:
    """Return `marts`: every model of dbt's manifest."""

    @dbt_assets(manifest=manifest, dagster_dbt_translator=Translator(), pool=WRITER)
    def marts(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[Any]:
        """Run one dbt build for a batch of loaded days: parsing alone costs seconds."""
        load_id = warehouse_state.find(runtime.engine).load_id
        yield from _built(context, dbt, runtime.settings)
        if set(context.selected_asset_keys) >= set(marts.keys):
            digest = freshness.digest_of(runtime.warehouse.insights, today=runtime.now().date())
            warehouse_state.record_marts(runtime.engine, load_id=load_id, digest=digest)

    return marts


def _built(context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: Settings) -> Iterator[Any]:
    """Run dbt and yield its events with row counts; DagsterDbtCliRuntimeError after them when the build fails.

    Rows are counted when dbt has closed the warehouse, so events come at its end."""
    events: list[Any] = []
    error: DagsterDbtCliRuntimeError | None = None
    try:
        with exported(META_PIPELINE_WAREHOUSE=str(settings.warehouse_file)):
            build = dbt.cli(["build"], context=context, target_path=target_folder(settings))
        events.extend(build.stream())
    except DagsterDbtCliRuntimeError as raised:
        error = raised
    counts = row_counts(settings.warehouse_file)
    for event in events:
        yield _counted(event, counts)
    if error is not None:
        raise error


def _counted(event: Any, counts: Mapping[str, int]) -> Any:
    """Return dbt's event of a table with its number of rows."""
    if not isinstance(event, dg.Output) or "unique_id" not in event.metadata:
        return event
    name = str(event.metadata["unique_id"].value).rpartition(".")[2]
    return event.with_metadata({**event.metadata, "dagster/row_count": counts[name]}) if name in counts else event


class Dbt(DbtCliResource):
    """Builds and tests the models of `dbt_project` in the warehouse."""

    # Without what Dagster does for row counts and columns of its own: it starts `dbt --version` and loads dbt into this
    # process too, for 5 of the 32 s of processor time that a build took.

    @functools.cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        return None


def dbt_resource() -> DbtCliResource:
    """Return dbt on the project, with the profile in the project's folder."""
    project = str(dbt_project_folder())
    return Dbt(project_dir=project, profiles_dir=project, dbt_executable=str(DBT))
