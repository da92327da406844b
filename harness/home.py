"""A home in which the command line runs, against a sandbox."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.dbt import parsed_project
from harness.sandbox import COMMAND, Sandbox
from meta_pipeline.vault.seal import new_key


@dataclasses.dataclass
class Home:
    """A home, and the command line in it."""

    path: Path
    environment: dict[str, str]
    command: Sequence[str] = COMMAND

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *arguments], env=self.environment, cwd=self.path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            # Tests in the background of a shell inherit the setting that ignores Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [*self.command, *arguments], env=self.environment, cwd=self.path,
            input=stdin, capture_output=True, text=True, timeout=300,
        )
        parsed_project.keep(Path(self.environment["META_PIPELINE_HOME"]))
        return ran

    def sql(self, query: str) -> list[dict[str, Any]]:
        ran = self.run("sql", query, "--format", "json")
        assert ran.returncode == 0, ran.stderr
        rows: list[dict[str, Any]] = json.loads(ran.stdout)
        return rows


def make_home(path: Path, sandbox: Sandbox, **settings: str) -> Home:
    home = path / "home"
    home.mkdir()
    parsed_project.seed(home)
    ours = ("META_PIPELINE_", "DAGSTER_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return Home(
        path,
        {
            **inherited,
            "META_PIPELINE_HOME": str(home),
            "META_PIPELINE_GRAPH_URL": sandbox.url,
            "META_PIPELINE_DIALOG_URL": sandbox.url,
            "META_PIPELINE_APP_ID": sandbox.app["app_id"],
            "META_PIPELINE_APP_SECRET": sandbox.app["app_secret"],
            "META_PIPELINE_VAULT_KEYS": new_key(),
            **settings,
        },
    )


def copy_home(home: Home, path: Path) -> Home:
    """Copy a home to a folder below `path`; the copy's ledger names its own files."""
    before, folder = Path(home.environment["META_PIPELINE_HOME"]), path / "home"
    shutil.copytree(before, folder)
    with contextlib.closing(sqlite3.connect(folder / "control.sqlite")) as store:
        for table in ("landed_files", "landed_versions"):
            store.execute(f"update {table} set path = replace(path, ?, ?)", (str(before), str(folder)))
        store.commit()
    return dataclasses.replace(home, path=path, environment={**home.environment, "META_PIPELINE_HOME": str(folder)})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_up(home: Home) -> Iterator[tuple[str, str]]:
    """Run `up` on this home until the block ends, then stop it as Ctrl-C does; yield the addresses of the Dagster UI
    and of the connections page."""
    up = subprocess.Popen(
        [*home.command, "up", "--port", str(free_port()), "--web-port", str(free_port())], env=home.environment,
        cwd=home.path, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )
    try:
        assert up.stdout
        yield up.stdout.readline().split()[-1], up.stdout.readline().split()[-1]
    finally:
        os.kill(up.pid, signal.SIGINT)
        up.communicate(timeout=60)
