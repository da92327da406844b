"""What tests share: a sandbox over real HTTP, and a home in which the command line runs."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from meta_pipeline import bootstrap
from meta_pipeline.vault.seal import new_key

NOW = "2026-11-20T12:00:00+00:00"
COMMAND = (sys.executable, "-m", "meta_pipeline.cli")


@dataclass
class Sandbox:
    """A running sandbox."""

    url: str
    app: dict[str, str] = field(default_factory=dict)

    def control(self, what: str, body: Any = None, **query: str) -> Any:
        if body is None:
            return requests.get(f"{self.url}/_sandbox/{what}", params=query, timeout=60).json()
        return requests.post(f"{self.url}/_sandbox/{what}", json=body, timeout=60).json()

    def share_clock(self, now: dt.datetime | None = None) -> None:
        """Set this sandbox's clock to the pipeline's, so that tokens expire on the same calendar whatever day it is."""
        self.control("clock", {"now": (now or bootstrap.system_now()).isoformat()})

    def token(self, **body: Any) -> str:
        return str(self.control("tokens", body)["access_token"])


@contextlib.contextmanager
def serving(*options: str, command: Sequence[str] = COMMAND) -> Iterator[Sandbox]:
    """A sandbox over HTTP until the block ends."""
    server = subprocess.Popen(
        [*command, "sandbox", "--port", "0", "--now", NOW, *options],
        stdout=subprocess.PIPE, text=True,
    )
    assert server.stdout is not None
    try:
        sandbox = Sandbox(server.stdout.readline().split()[1])
        sandbox.app = sandbox.control("app")
        yield sandbox
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """For tests that only read."""
    with serving() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """For tests that order faults or move the clock."""
    with serving() as sandbox:
        yield sandbox


@dataclass
class Home:
    """A home of its own, and the command line in it."""

    path: Path
    environment: dict[str, str]
    command: Sequence[str] = COMMAND

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *arguments], env=self.environment, cwd=self.path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments], env=self.environment, cwd=self.path,
            input=stdin, capture_output=True, text=True, timeout=300,
        )

    def sql(self, query: str) -> list[dict[str, Any]]:
        ran = self.run("sql", query, "--format", "json")
        assert ran.returncode == 0, ran.stderr
        rows: list[dict[str, Any]] = json.loads(ran.stdout)
        return rows


def make_home(path: Path, sandbox: Sandbox, **settings: str) -> Home:
    home = path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("META_PIPELINE_", "DAGSTER_"))}
    return Home(
        path,
        {
            **kept,
            "META_PIPELINE_HOME": str(home),
            "META_PIPELINE_GRAPH_URL": sandbox.url,
            "META_PIPELINE_DIALOG_URL": sandbox.url,
            "META_PIPELINE_APP_ID": sandbox.app["app_id"],
            "META_PIPELINE_APP_SECRET": sandbox.app["app_secret"],
            "META_PIPELINE_VAULT_KEYS": new_key(),
            **settings,
        },
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_up(home: Home) -> Iterator[tuple[str, str]]:
    """`up` on this home: the addresses of the Dagster UI and of the connections page; ended as Ctrl-C does."""
    up = subprocess.Popen(
        [*home.command, "up", "--port", str(free_port()), "--web-port", str(free_port())], env=home.environment,
        cwd=home.path, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )
    try:
        assert up.stdout
        yield up.stdout.readline().split()[-1], up.stdout.readline().split()[-1]
    finally:
        os.kill(up.pid, signal.SIGINT)
        up.wait(timeout=60)


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox) -> Home:
    return make_home(tmp_path, sandbox)
