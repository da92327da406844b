"""Run dbt in this process: a process of its own would import it again for seconds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_pipeline.processes.environment import exported
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.records import MetaPipelineError

RESULTS = "run_results.json"


class ModelError(MetaPipelineError):
    """A model or a test of dbt failed, or dbt could not begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtProject:
    """The parsed project, for dbt and as JSON: both are of one parse. `digest`: of the project's files that were
    parsed; `target`: the folder of dbt's artifacts."""

    digest: str
    parsed: Path
    manifest: Path
    target: Path
    warehouse: Path

    def read_manifest(self) -> Mapping[str, Any]:
        """Return the manifest that a person or Dagster reads."""
        manifest: Mapping[str, Any] = json.loads(self.manifest.read_bytes())
        return manifest


def run_dbt(
    project: DbtProject, arguments: Sequence[str], *, on_event: Callable[[dict[str, Any]], None] = lambda _: None
) -> list[Any]:
    """Run a dbt command on the warehouse file and return the results of its nodes, which are in `run_results.json` too.

    Every event of dbt that is more than debugging is printed, and given to `on_event` as dbt's own JSON log has it.
    Raise ModelError when a node fails."""
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt_common.events.functions import msg_to_dict

    def receive(message: Any) -> None:
        if message.info.level == "debug":
            return
        print(message.info.msg, flush=True)
        on_event(msg_to_dict(message))

    folder = str(dbt_project_folder())
    options = [
        "--project-dir", folder, "--profiles-dir", folder, "--target-path", str(project.target),
        "--log-path", str(project.target),
        # dbt formats every debug line for both of its logs, also where neither shows it: a fifth of a build. Its
        # manifest is written when the project is parsed.
        "--log-level", "none", "--log-level-file", "none", "--no-write-json",
    ]
    with exported(META_PIPELINE_WAREHOUSE=str(project.warehouse)), _closing_the_warehouse():
        ran = dbtRunner(manifest=_parsed_manifest(project.parsed), callbacks=[receive]).invoke([*arguments, *options])
    if isinstance(ran.result, RunExecutionResult):
        ran.result.write(str(project.target / RESULTS))
    results = list(ran.result.results) if isinstance(ran.result, RunExecutionResult) else []
    if not ran.success:
        failed = [f"{each.node.name}: {each.message}" for each in results if str(each.status) in ("error", "fail")]
        reasons = failed or [str(ran.exception or "it ended without a result")]
        raise ModelError(f"dbt failed: {' '.join(' · '.join(reasons).split())[:2000]}") from ran.exception
    return results


@contextlib.contextmanager
def _closing_the_warehouse() -> Iterator[None]:
    """Close what dbt leaves open until its process ends: as long as it is open, nothing else can open the file."""
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
    """Import dbt before there is something to build: it takes seconds."""
    import dbt.adapters.duckdb
    import dbt.cli.main
    import dbt.task.build  # noqa: F401


def _parsed_manifest(parsed: Path) -> Any:
    """Return dbt's manifest from the file that `dbt parse` wrote. dbt itself would compare every file of the project
    with it first, and with the path of the warehouse, which another home has elsewhere."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(parsed.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]  # macros read it as `graph`
    return manifest
