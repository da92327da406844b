"""What is derived: raw tables from landed files, dbt's models from raw, the published snapshot from the marts."""

import fcntl
import functools
import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from packaging.version import Version

from meta_pipeline import bootstrap
from meta_pipeline.defs.assets.landing import ENTITIES, OWNERS, SOURCE, SOURCE_TAG, landing_key
from meta_pipeline.processes.environment import child_environment, exported
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish import freshness
from meta_pipeline.publish.publish import publish
from meta_pipeline.records import LoadError
from meta_pipeline.settings import Settings
from meta_pipeline.store import audit_log, warehouse_state
from meta_pipeline.warehouse.counts import row_counts
from meta_pipeline.warehouse.histories import KINDS, history_of

WRITER = "duckdb_writer"  # a DuckDB file that is being written locks out everybody else
DBT_PROJECT = dbt_project_folder()
ALL_READ = "landed_files_read"
_PARSED = "partial_parse.msgpack"
DBT = Path(sys.executable).parent / "dbt"  # of this environment, whatever PATH says


REPORTS = tuple(bootstrap.process_runtime().catalogue)


@dg.multi_asset(
    name="load_raw",
    specs=[
        dg.AssetSpec(
            [f"raw_{SOURCE}", name], deps=[landing_key(name)], group_name="raw", kinds={"duckdb"},
            owners=OWNERS, tags=SOURCE_TAG,
            description=f"landed {name}, parsed into text columns; the payload stays beside them",
        )
        for name in (*REPORTS, *ENTITIES)
    ] + [
        dg.AssetSpec(
            [f"raw_{SOURCE}", f"{name}_versions"], deps=[landing_key(name)], group_name="raw", kinds={"duckdb"},
            owners=OWNERS, tags=SOURCE_TAG,
            description=f"earlier versions of {name} whose figures Meta restated, each until when it was so",
        )
        for name in REPORTS
    ] + [
        dg.AssetSpec(
            [f"raw_{SOURCE}", history_of(name)], deps=[landing_key(name)], group_name="raw", kinds={"duckdb"},
            owners=OWNERS, tags=SOURCE_TAG,
            description=f"every state that one of the {name} was seen in, a row only where it changed",
        )
        for name in KINDS
    ] + [
        dg.AssetSpec(
            ["raw_meta_pipeline", name], group_name="raw", kinds={"duckdb"}, owners=OWNERS,
            tags={"source": "meta_pipeline"}, description=told,
        )
        for name, told in (
            ("graph_calls", "the audit of the gateway by UTC day: calls, operations charged, seconds"),
            ("day_versions", "every version of every day of every report, from when until when, and its totals"),
            ("drift", "what Meta sends that no column knows, by report, account, day and key"),
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(
            ALL_READ, asset=["raw_meta_pipeline", "day_versions"],
            description="every landed file could be read; one that is damaged is set aside, and its day lands again",
        )
    ],
    pool=WRITER,
)
def load_raw(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[bootstrap.Runtime]) -> Iterator[Any]:
    """Everything that landed and waits, in one transaction a table. A file that can't be read stops no other."""
    loaded = runtime.warehouse.load(runtime.engine, now=runtime.now())
    audit_log.forget_before(runtime.engine, runtime.now() - runtime.settings.audit_for)
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=key, metadata={"files": loaded.files})
    yield dg.AssetCheckResult(
        passed=not loaded.skipped, check_name=ALL_READ, severity=dg.AssetCheckSeverity.ERROR,
        metadata={"skipped": dg.MetadataValue.json(list(loaded.skipped))},
    )


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
        """Return dbt's tags, and where the data comes from."""
        is_ours = {"meta_pipeline", "ops"} & set(dbt_resource_props["fqn"][1:])
        return {**super().get_tags(dbt_resource_props), "source": "meta_pipeline" if is_ours else SOURCE}


def manifest() -> Path:
    """Return the file of dbt's manifest, which is made under a lock when it is missing or of another project.

    It stands apart from the one that dbt writes with every build: a reader of that could read half of it, during a
    build or after a kill. All that dbt writes is under HOME: the project's folder may be read-only."""
    settings = Settings()
    parsed, target = settings.root / "dbt" / "parsed", _target(settings)
    for folder in (parsed, target):
        folder.mkdir(parents=True, exist_ok=True)
    path, made_of = parsed.with_suffix(".json"), parsed.with_suffix(".digest")
    digest = f"{freshness.project_digest(DBT_PROJECT)} {DBT_PROJECT}"
    with (path.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or not made_of.exists() or made_of.read_text() != digest:
            ran = subprocess.run(
                [str(DBT), "--quiet", "parse", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
                 "--target-path", str(parsed), "--log-path", str(parsed)],
                env=child_environment(META_PIPELINE_WAREHOUSE=str(settings.warehouse_file)),
                capture_output=True, text=True,
            )
            if ran.returncode != 0:
                raise LoadError(f"the dbt project can't be read: {' '.join((ran.stdout + ran.stderr).split())[-600:]}")
            if not (target / _PARSED).exists():  # the first build need not parse again; half a file is nothing to dbt
                shutil.copyfile(parsed / _PARSED, target / _PARSED)
            made_of.unlink(missing_ok=True)  # a kill between the two leaves a manifest that is made again
            (parsed / "manifest.json").replace(path)
            made_of.write_text(digest)
    return path


def _target(settings: Settings) -> Path:
    """Where dbt keeps what it made of the project in builds."""
    return settings.root / "dbt" / "target"


@dbt_assets(manifest=manifest(), dagster_dbt_translator=Translator(), pool=WRITER)
def marts(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, runtime: dg.ResourceParam[bootstrap.Runtime]
) -> Iterator[Any]:
    """Run one dbt build for a batch of loaded days: parsing alone costs seconds.

    Rows are counted when dbt has closed the warehouse, so events come at its end."""
    load_id = warehouse_state.find(runtime.engine).load_id
    events: list[Any] = []
    failed: DagsterDbtCliRuntimeError | None = None
    try:
        with exported(META_PIPELINE_WAREHOUSE=str(runtime.settings.warehouse_file)):
            build = dbt.cli(["build"], context=context, target_path=_target(runtime.settings))
        events.extend(build.stream())
    except DagsterDbtCliRuntimeError as error:
        failed = error
    counts = row_counts(runtime.settings.warehouse_file)
    for event in events:
        yield _counted(event, counts)
    if failed is not None:
        raise failed
    if set(context.selected_asset_keys) >= set(marts.keys):
        digest = freshness.digest_of(runtime.warehouse.insights, today=runtime.now().date())
        warehouse_state.record_marts(runtime.engine, load_id=load_id, digest=digest)


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
    """dbt over our project, its profile beside it."""
    return Dbt(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=str(DBT))


@dg.asset(
    key=["published", "warehouse"], group_name="marts", kinds={"duckdb"}, pool=WRITER, owners=OWNERS, tags=SOURCE_TAG,
    deps=[key for key in marts.keys if not key.path[-1].startswith(("stg_", "int_"))],
)
def published(runtime: dg.ResourceParam[bootstrap.Runtime]) -> dg.MaterializeResult[None]:
    """The copy of the warehouse that analysts open while the pipeline goes on."""
    runtime.warehouse.check_complete(runtime.engine)
    path = publish(runtime.settings.warehouse_file, runtime.settings.published_file)
    warehouse_state.record_publication(runtime.engine, size=path.stat().st_size, at=runtime.now())
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(path), "bytes": path.stat().st_size})
