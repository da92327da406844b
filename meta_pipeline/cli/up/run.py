"""`up`: run the Dagster UI, its daemon and the connections page as child processes until Ctrl-C."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import requests

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.servers import ports
from meta_pipeline.cli.up.child_processes import ChildProcesses, kill_orphans, up_lock
from meta_pipeline.node_kinds import NODE_KINDS
from meta_pipeline.records import ConfigError
from meta_pipeline.status import wording
from meta_pipeline.store.connections.node_links import list_links

if TYPE_CHECKING:
    from meta_pipeline.defs.runs.failed_runs import FailedRuns

READY_WITHIN_S = 180.0
REPORT_EVERY_S = 15.0
CHECK_EVERY_S = 30.0  # failed runs and the size of the log


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs of the Dagster UI and of the connections page."""

    dagster_url: str
    public_url: str


def run_up(runtime: Runtime, *, port: int, web_port: int, allowed_hosts: Sequence[str] = ()) -> int:
    """Start the servers, print their addresses and wait; return 0 after Ctrl-C, 1 if a server has exited."""
    from meta_pipeline.defs.home import instance
    from meta_pipeline.defs.runs.console import silence_dagster
    from meta_pipeline.defs.runs.failed_runs import FailedRuns
    from meta_pipeline.defs.runs.killed_runs import reap

    settings, folder = runtime.settings, runtime.settings.root / "dagster"
    with up_lock(folder), _interruptible(), _private_folder() as private:
        kill_orphans(folder / "up.processes", sleep=runtime.sleep)
        _check_free(port, "--port")
        _check_free(web_port, "--web-port")
        log = folder / "up.log"
        click.echo(f"Starting; the log is {log}", err=True)
        silence_dagster()
        with instance(settings) as dagster:
            reap(dagster)
            servers = ChildProcesses(folder=folder, log=log, sleep=runtime.sleep)
            try:
                addresses = _start(
                    runtime, servers, private, port=port, web_port=web_port, allowed_hosts=allowed_hosts, log=log
                )
                click.echo(f"Dagster UI  {addresses.dagster_url}")
                click.echo(f"Connections {addresses.public_url}")
                click.echo(f"Next pull   {_next_pull(runtime, dagster)}", err=True)
                click.echo("Ctrl-C stops everything", err=True)
                failed_runs = FailedRuns(dagster, since=runtime.now())
                exited = _wait(runtime, servers, failed_runs, addresses.dagster_url)
                click.echo(f"error: {exited} has exited: see {log}", err=True)
                return 1
            except KeyboardInterrupt:
                click.echo("Stopping …", err=True)
                return 0
            finally:
                servers.stop()


def _start(
    runtime: Runtime,
    servers: ChildProcesses,
    private: Path,
    *,
    port: int,
    web_port: int,
    allowed_hosts: Sequence[str],
    log: Path,
) -> Addresses:
    """Start all servers, wait until they answer and return their addresses."""
    from meta_pipeline.defs.home import environment_of
    from meta_pipeline.defs.ui import code_server

    settings, public_url = runtime.settings, runtime.settings.public_url
    if "public_url" not in settings.model_fields_set:
        public_url = f"http://localhost:{web_port}"
    environment = {**environment_of(settings), "META_PIPELINE_PUBLIC_URL": public_url}
    dagster_url, code_socket = f"http://127.0.0.1:{port}", private / "code.sock"
    started_at = time.monotonic()

    def wait_for(name: str, is_ready: Callable[[], bool]) -> None:
        _wait_for(runtime, name, is_ready, servers, started_at=started_at, log=log)

    workspace = str(code_server.write_workspace(code_socket))
    servers.start("the code server", "dagster", *code_server.arguments(code_socket), environment=environment)
    servers.start(
        "the connections page", "meta_pipeline.cli", "serve", "--port", str(web_port), "--dagster-url", dagster_url,
        environment=environment,
    )
    servers.start(
        "the Dagster UI", "meta_pipeline.defs.ui.server", "--port", str(port), "--socket", str(code_socket),
        *(word for name in allowed_hosts for word in ("--allow-host", name)), environment=environment,
    )
    wait_for("the connections page", lambda: _answers(f"http://127.0.0.1:{web_port}/health/live"))
    wait_for("the code server", lambda: code_server.is_ready(code_socket))
    if (reason := code_server.load_error(code_socket)) is not None:
        click.echo(f"warning: the definitions can't be loaded, nothing will run: {reason}", err=True)
    servers.start("the Dagster daemon", "dagster._daemon", "run", "-w", workspace, environment=environment)
    wait_for("the Dagster UI", lambda: _answers(f"{dagster_url}/server_info"))
    return Addresses(dagster_url, public_url)


def _wait(runtime: Runtime, servers: ChildProcesses, failed_runs: FailedRuns, dagster_url: str) -> str:
    """Wait until a server exits, and return its name; print failed runs meanwhile."""
    check_at = 0.0
    while (exited := servers.first_exited()) is None:
        if time.monotonic() >= check_at:
            check_at = time.monotonic() + CHECK_EVERY_S
            servers.rotate_log()
            for failed in failed_runs.new():
                click.echo(f"failed: {failed.text} · {dagster_url}/runs/{failed.run_id}", err=True)
        runtime.sleep(0.5)
    return exited


def _next_pull(runtime: Runtime, dagster: object) -> str:
    """Return a sentence that says when the schedules pull next, and how many nodes of each kind."""
    from meta_pipeline.defs import calendar
    from meta_pipeline.defs.runs.failed_runs import is_stopped

    counts = Counter(link.kind for link in list_links(runtime.engine))
    pulls = []
    for kind in NODE_KINDS:
        schedule, starts_at = f"{kind.job}_schedule", calendar.next_run(calendar.PULLS[kind.name], now=runtime.now())
        if is_stopped(dagster, schedule):
            pulls.append(f"none of {kind.plural}: {schedule} is stopped in the Dagster UI")
        elif counts[kind.name]:
            pulls.append(f"{starts_at:%H:%M} UTC ({wording.counted_kind(counts[kind.name], kind.name)})")
    if not any(counts[kind.name] for kind in NODE_KINDS):
        pulls.append("nothing is connected yet: `meta-pipeline connect`")
    return f"{', '.join(pulls)}; to read days now: `meta-pipeline backfill`"


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt: a shell's `&` starts us with SIGINT ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """Yield a folder of this user alone, with a path that is short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="meta-pipeline-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_free(port: int, option: str) -> None:
    if not ports.is_free(port):
        raise ConfigError(f"port {port} is taken: choose another with {option}")


def _wait_for(
    runtime: Runtime, name: str, is_ready: Callable[[], bool], servers: ChildProcesses, *, started_at: float, log: Path
) -> None:
    """Wait until a server is ready, and print that it is. Raise ConfigError if a server has exited, or after
    READY_WITHIN_S."""
    deadline, report_at = time.monotonic() + READY_WITHIN_S, time.monotonic() + REPORT_EVERY_S
    while not is_ready():
        if (exited := servers.first_exited()) is not None:
            raise ConfigError(f"{exited} did not start: see {log}")
        if time.monotonic() > deadline:
            raise ConfigError(f"{name} did not answer within {READY_WITHIN_S:.0f} s: see {log}")
        if time.monotonic() > report_at:
            report_at = time.monotonic() + REPORT_EVERY_S
            click.echo(f"  waiting for {name}, {time.monotonic() - started_at:.0f} s", err=True)
        runtime.sleep(0.3)
    click.echo(f"  {name} is ready, {time.monotonic() - started_at:.0f} s", err=True)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
