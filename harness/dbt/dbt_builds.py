"""dbt in this process on a warehouse file, and the comparison of its marts with a full refresh of the same raw rows."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from harness.dbt import parsed_project
from meta_pipeline.modelling.runner import read_parsed
from meta_pipeline.processes.environment import child_environment, exported
from meta_pipeline.project import dbt_project_folder

STORED = ("--select", "config.materialized:incremental")
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
COMPARED = ("marts", "facebook_ads")
# The stamps of a publication, which differ between any two builds.
STAMPS = {("marts", "publication")}


class DbtBuilds:
    """Runs dbt on files named `warehouse.duckdb`, with a manifest that is parsed once for all tests; a `project` of
    another folder is parsed on its own. `folder` receives what dbt writes."""

    def __init__(self, folder: Path, *, project: Path | None = None) -> None:
        self.folder, self.project = folder, project or dbt_project_folder()
        self.manifest: Manifest | None = None if project else read_parsed(parsed_project.parsed_file())

    def run(self, file: Path, command: str, *arguments: str) -> dict[str, str]:
        """Run a command of dbt on this warehouse; return the status of each node by its name. Raise AssertionError
        with dbt's errors when it fails."""
        options = (
            "--quiet", command, "--project-dir", str(self.project), "--profiles-dir", str(self.project),
            "--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs"),
            "--log-level-file", "none",
        )
        with exported(META_PIPELINE_WAREHOUSE=str(file)):
            if self.manifest is None:
                parsed = dbtRunner().invoke(["--quiet", "parse", *options[2:]])
                assert isinstance(parsed.result, Manifest), parsed.exception
                self.manifest = parsed.result
            ended = dbtRunner(manifest=self.manifest).invoke([*options, *arguments])
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # it keeps the file open
        results = getattr(ended.result, "results", [])
        failed = [f"{result.node.name}: {result.message}" for result in results if result.status in ("error", "fail")]
        assert ended.success, failed or ended.exception
        return {result.node.name: str(result.status) for result in results}

    def run_and_kill(self, file: Path, *, after_models: int) -> None:
        """Run dbt on the stored models in a separate process, and kill it when it has reported this number of them."""
        command = [
            str(Path(sys.executable).parent / "dbt"), "--log-level-file", "none", "run", *STORED, "--project-dir",
            str(self.project), "--profiles-dir", str(self.project), "--target-path", str(self.folder / "killed"),
        ]
        environment = child_environment(META_PIPELINE_WAREHOUSE=str(file), PYTHONUNBUFFERED="1")
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout
            for line in running.stdout:
                after_models -= "OK created sql incremental model" in line
                if not after_models:
                    running.send_signal(signal.SIGKILL)
                    break
            running.communicate()
        assert running.returncode == -signal.SIGKILL, f"it ended before it was killed: {running.returncode}"

    def differences(self, file: Path, selection: tuple[str, ...] = STORED) -> list[str]:
        """Build the selected models of a copy with a full refresh; return a line for each mart that differs from it."""
        copy = self.folder / "refreshed" / file.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        self.run(copy, "run", "--full-refresh", *selection)
        return differing_rows(file, copy)


def build(file: Path, *selection: str) -> dict[str, str]:
    """Build and test the selected nodes, or all, in this warehouse; return the status of each by its name. Unit tests
    are left out: they read no warehouse, and one test runs them all."""
    return DbtBuilds(file.parent / "dbt").run(file, "build", *selection, *WITHOUT_UNIT_TESTS)


def differing_rows(file: Path, other: Path) -> list[str]:
    """Return a line for every table and view of the marts that differs between the files."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, path in (("built", file), ("refreshed", other)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        relations = connection.execute(
            "select distinct table_catalog, table_schema, table_name from information_schema.tables "
            "where list_contains(?, table_schema) order by all", [list(COMPARED)],
        ).fetchall()
        lines = []
        for schema, table in sorted({(schema, table) for _, schema, table in relations} - STAMPS):
            built, refreshed = (f"{catalog}.{schema}.{table}" for catalog in ("built", "refreshed"))
            ((count,),) = connection.execute(
                f"select count(*) from ((from {built} except all from {refreshed}) "
                f"union all (from {refreshed} except all from {built}))"
            ).fetchall()
            if count:
                lines.append(f"{schema}.{table}: {count} rows differ")
    return lines
