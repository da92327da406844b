"""Run dbt in this process: a new process for each command would import it again, which takes seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from meta_pipeline.processes.environment import exported
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.records import MetaPipelineError

RESULTS = "run_results.json"
# The tag of the selected nodes in the manifest in memory: dbt would compare every name in `--select` with every node.
_TAG = "selected_by_meta_pipeline"
# The macros of dbt and its adapter that build stored models and run tests.
_MATERIALIZATIONS = (
    "materialization_incremental_duckdb", "materialization_table_duckdb", "materialization_test_default",
)


class ModelError(MetaPipelineError):
    """A model or a test of dbt failed, or dbt could not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtProject:
    """The parsed project, in dbt's format and as JSON, both from one parse. `digest`: of the project's files that were
    parsed; `assets`: the part of the manifest that Dagster shows; `target`: the folder of dbt's artifacts."""

    digest: str
    parsed: Path
    manifest: Path
    assets: Path
    target: Path
    warehouse: Path

    def read_manifest(self) -> Mapping[str, Any]:
        """Return the manifest from the JSON file."""
        manifest: Mapping[str, Any] = orjson.loads(self.manifest.read_bytes())
        return manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult:
    """The result of a model, seed or test. `status`: dbt's; `failures`: the number of rows that fail a test."""

    unique_id: str
    status: str
    seconds: float
    failures: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtRun:
    """The results of one invocation of dbt. `error`: one sentence, if a node failed or dbt could not start."""

    invocation_id: str = ""
    results: tuple[NodeResult, ...] = ()
    error: str | None = None


class RunDbt(Protocol):
    """Run a dbt command on the warehouse file; `select`: the unique ids of the nodes, None for those that the command
    selects."""

    def __call__(
        self, project: DbtProject, arguments: Sequence[str], *, select: Collection[str] | None = None
    ) -> DbtRun: ...


def run_dbt(
    project: DbtProject, arguments: Sequence[str], *, select: Collection[str] | None = None, manifest: Any = None
) -> DbtRun:
    """Run a dbt command, see RunDbt; its results are in `run_results.json` too.

    Every event of dbt above the debug level is printed. `manifest`: dbt's, from `read_parsed`; it can't be used
    again."""
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt_common.invocation import get_invocation_id

    def receive(message: Any) -> None:
        if message.info.level != "debug":
            print(message.info.msg, flush=True)

    manifest = manifest or read_parsed(project.parsed)
    selection: list[str] = []
    if select is not None:
        for unique_id in select:
            manifest.nodes[unique_id].tags.append(_TAG)
        selection = ["--indirect-selection", "empty", "--select", f"tag:{_TAG}"]
    options = _options(project.target)
    with exported(META_PIPELINE_WAREHOUSE=str(project.warehouse)), _closing_the_warehouse():
        ran = dbtRunner(manifest=manifest, callbacks=[receive]).invoke([*arguments, *selection, *options])
    if not isinstance(ran.result, RunExecutionResult):
        return DbtRun(error=None if ran.success else _error_of([str(ran.exception or "it ended without a result")]))
    ran.result.write(str(project.target / RESULTS))
    results = [each for each in ran.result.results if hasattr(each, "node")]
    failed = [f"{each.node.name}: {each.message}" for each in results if str(each.status) in ("error", "fail")]
    return DbtRun(
        invocation_id=get_invocation_id(),
        results=tuple(
            NodeResult(
                unique_id=each.node.unique_id, status=str(each.status), seconds=each.execution_time,
                failures=each.failures,
            )
            for each in results
        ),
        error=None if ran.success else _error_of(failed or [str(ran.exception or "it ended without a result")]),
    )


def _options(target: Path) -> list[str]:
    folder = str(dbt_project_folder())
    return [
        "--project-dir", folder, "--profiles-dir", folder, "--target-path", str(target), "--log-path", str(target),
        # dbt formats every debug line for both of its logs even if neither shows it, which takes a fifth of a build.
        # Its manifest is written when the project is parsed.
        "--log-level", "none", "--log-level-file", "none", "--no-write-json",
    ]


def _error_of(reasons: Sequence[str]) -> str:
    return f"dbt failed: {' '.join(' · '.join(reasons).split())[:2000]}"


@contextlib.contextmanager
def _closing_the_warehouse() -> Iterator[None]:
    """Close the connections that dbt leaves open until its process ends: while they are open, nothing else can open the
    file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import cleanup_connections

    try:
        yield
    finally:
        cleanup_connections()  # type: ignore[no-untyped-call]
        if (environment := DuckDBConnectionManager._ENV) is not None:
            environment.close()
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def warm_up() -> None:
    """Import dbt ahead of the first build: it takes seconds."""
    import dbt.adapters.duckdb
    import dbt.cli.main
    import dbt.task.build  # noqa: F401


def list_nothing(manifest: Any, *, target: Path) -> None:
    """Run a dbt command that selects no node and opens no warehouse: the first command of a process spends most of a
    second on dbt's own schemas. The manifest is not changed."""
    from dbt.cli.main import dbtRunner

    dbtRunner(manifest=manifest).invoke(["list", "--select", f"tag:{_TAG}", *_options(target)])


def compile_macros(manifest: Any) -> Iterator[None]:
    """Compile the macros that a build runs, one for each step of the iterator: a run compiles each at its first use,
    which takes a second in total, and reuses those that are compiled."""
    from dbt_common.clients.jinja import template_cache

    waiting = [name for node in manifest.nodes.values() for name in getattr(node.depends_on, "macros", ())]
    waiting += [name for name in manifest.macros if name.rpartition(".")[2] in _MATERIALIZATIONS]
    compiled: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in compiled or (macro := manifest.macros.get(name)) is None:
            continue
        compiled.add(name)
        waiting += macro.depends_on.macros
        template_cache.get_node_template(macro)
        yield


def read_parsed(parsed: Path) -> Any:
    """Return dbt's manifest from the file that `dbt parse` wrote. dbt itself would first compare it with every file of
    the project and with the path of the warehouse, which differs between homes."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(parsed.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]  # macros read it as `graph`
    return manifest
