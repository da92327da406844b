"""`up`: the Dagster UI, its daemon and the connections page on this runtime, until Ctrl-C ends all."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import requests

from meta_pipeline.bootstrap import runtime_of
from meta_pipeline.cli.up.children import Children, end_orphans, only_up
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings
from meta_pipeline.store.node_links import list_links

if TYPE_CHECKING:
    from meta_pipeline.defs.runs.failed_runs import FailedRuns

READY_WITHIN_S = 180.0
SAY_EVERY_S = 15.0
LOOK_EVERY_S = 30.0  # for failed runs and the size of the log


def run(settings: Settings, *, port: int, web_port: int, allowed_hosts: Sequence[str] = ()) -> int:
    """Start, report where, wait; 0 after Ctrl-C, 1 when one of the processes ended by itself."""
    from meta_pipeline.defs.home import instance
    from meta_pipeline.defs.runs.console import silence_dagster
    from meta_pipeline.defs.runs.failed_runs import FailedRuns
    from meta_pipeline.defs.runs.killed_runs import reap

    folder = settings.root / "dagster"
    with only_up(folder), _ctrl_c(), _private_folder() as private:
        end_orphans(folder / "up.processes")
        _check_free(port, "--port")
        _check_free(web_port, "--web-port")
        log = folder / "up.log"
        click.echo(f"Starting; the log is {log}", err=True)
        silence_dagster()
        with instance(settings) as opened:
            reap(opened)
            children = Children(folder=folder, log=log)
            try:
                dagster_url, public_url = _start(
                    settings, children, private, port=port, web_port=web_port, allowed_hosts=allowed_hosts, log=log
                )
                click.echo(f"Dagster UI  {dagster_url}")
                click.echo(f"Connections {public_url}")
                click.echo(f"Next pull   {_next_pull(settings, opened)}", err=True)
                click.echo("Ctrl-C ends all", err=True)
                ended = _wait(children, FailedRuns(opened, since=runtime_of(settings).now()), dagster_url)
                click.echo(f"error: {ended} has ended by itself: see {log}", err=True)
                return 1
            except KeyboardInterrupt:
                click.echo("Stopping …", err=True)
                return 0
            finally:
                children.stop()


def _start(
    settings: Settings,
    children: Children,
    private: Path,
    *,
    port: int,
    web_port: int,
    allowed_hosts: Sequence[str],
    log: Path,
) -> tuple[str, str]:
    """Start all children and wait until they answer; the addresses of the Dagster UI and of the connections page."""
    from meta_pipeline.defs.home import environment_of
    from meta_pipeline.defs.ui import code_server

    public_url = settings.public_url
    if "public_url" not in settings.model_fields_set:
        public_url = f"http://localhost:{web_port}"
    environment = {**environment_of(settings), "META_PIPELINE_PUBLIC_URL": public_url}
    dagster_url, code = f"http://127.0.0.1:{port}", private / "code.sock"
    began = time.monotonic()

    def wait_for(name: str, is_ready: Callable[[], bool]) -> None:
        _wait_for(name, is_ready, children, began=began, log=log)

    workspace = str(code_server.write_workspace(code))
    children.start("the code server", "dagster", *code_server.arguments(code), environment=environment)
    children.start(
        "the connections page", "meta_pipeline.cli", "serve", "--port", str(web_port), "--dagster-url", dagster_url,
        environment=environment,
    )
    children.start(
        "the Dagster UI", "meta_pipeline.defs.ui.server", "--port", str(port), "--socket", str(code),
        *(word for name in allowed_hosts for word in ("--allow-host", name)), environment=environment,
    )
    wait_for("the connections page", lambda: _answers(f"http://127.0.0.1:{web_port}/health/live"))
    wait_for("the code server", lambda: code_server.is_ready(code))
    if (reason := code_server.load_error(code)) is not None:
        click.echo(f"warning: the definitions can't be loaded, nothing will run: {reason}", err=True)
    children.start("the Dagster daemon", "dagster._daemon", "run", "-w", workspace, environment=environment)
    wait_for("the Dagster UI", lambda: _answers(f"{dagster_url}/server_info"))
    return dagster_url, public_url


def _wait(children: Children, failed: FailedRuns, dagster_url: str) -> str:
    """Wait until a child ends, and return its name; report failed runs meanwhile."""
    look_at = 0.0
    while (ended := children.ended()) is None:
        if time.monotonic() >= look_at:
            look_at = time.monotonic() + LOOK_EVERY_S
            children.rotate_log()
            for line in failed.new():
                click.echo(f"failed: {line.text} · {dagster_url}/runs/{line.run_id}", err=True)
        time.sleep(0.5)
    return ended


def _next_pull(settings: Settings, opened: object) -> str:
    """Return when the schedule pulls next, and what."""
    from meta_pipeline.defs import calendar
    from meta_pipeline.defs.runs.failed_runs import is_stopped

    if is_stopped(opened, "pull_ads_schedule"):
        return "none: pull_ads_schedule is stopped in the Dagster UI"
    runtime = runtime_of(settings)
    accounts = sum(1 for link in list_links(runtime.engine) if link.kind == "ad_account")
    at = calendar.next_run(calendar.PULL_ADS, now=runtime.now())
    what = f"{accounts} ad account{'' if accounts == 1 else 's'}" if accounts else "no ad account is connected yet"
    return f"{at:%H:%M} UTC ({what}); to read days now: `meta-pipeline backfill`"


@contextlib.contextmanager
def _ctrl_c() -> Iterator[None]:
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
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ConfigError(f"port {port} is taken: choose another with {option}") from None


def _wait_for(name: str, is_ready: Callable[[], bool], children: Children, *, began: float, log: Path) -> None:
    """Wait until `is_ready`, and report it; ConfigError when a child has ended or time is up."""
    end, say_at = time.monotonic() + READY_WITHIN_S, time.monotonic() + SAY_EVERY_S
    while not is_ready():
        if (ended := children.ended()) is not None:
            raise ConfigError(f"{ended} did not start: see {log}")
        if time.monotonic() > end:
            raise ConfigError(f"{name} did not answer within {READY_WITHIN_S:.0f} s: see {log}")
        if time.monotonic() > say_at:
            say_at = time.monotonic() + SAY_EVERY_S
            click.echo(f"  waiting for {name}, {time.monotonic() - began:.0f} s", err=True)
        time.sleep(0.3)
    click.echo(f"  {name} is ready, {time.monotonic() - began:.0f} s", err=True)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
