"""`up`: the Dagster UI, its daemon and the connections page on this home, until Ctrl-C ends all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import requests

from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings, child_environment
from meta_pipeline.store.processes import identity, is_gone, pid_of

READY_WITHIN_S = 120.0


def run(settings: Settings, *, port: int, web_port: int) -> int:
    """Start, say where, wait; 0 after Ctrl-C, 1 when one of the processes ended by itself."""
    from meta_pipeline.defs.home import PROJECT, instance
    from meta_pipeline.defs.killed_runs import reap
    from meta_pipeline.defs.launch import quiet

    children = settings.root / "dagster" / "up.processes"
    _end_orphans(children)
    _check_free(port, "--port")
    _check_free(web_port, "--web-port")
    public_url = settings.public_url
    if "public_url" not in settings.model_fields_set:
        public_url = f"http://localhost:{web_port}"
    quiet()
    with instance(settings) as opened:
        reap(opened)
    binaries = Path(sys.executable).parent
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's `&` starts us with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    logs = settings.root / "dagster" / "up.log"
    started: list[subprocess.Popen[bytes]] = []
    try:
        dagster_url = f"http://127.0.0.1:{port}"
        ours = [sys.executable, "-m", "meta_pipeline.cli"]
        with logs.open("ab") as log:
            for command in (
                [str(binaries / "dagster-webserver"), *workspace, "-h", "127.0.0.1", "-p", str(port)],
                [str(binaries / "dagster-daemon"), "run", *workspace],
                [*ours, "serve", "--port", str(web_port), "--dagster-url", dagster_url],
            ):
                started.append(_start(command, log.fileno(), public_url))
        children.write_text("\n".join([identity(), *(identity(process.pid) for process in started)]))
        _wait_for(f"{dagster_url}/server_info", started, logs)
        _wait_for(f"http://127.0.0.1:{web_port}/health/live", started, logs)
        click.echo(f"Dagster UI  {dagster_url}")
        click.echo(f"Connections {public_url}")
        click.echo("Ctrl-C ends all", err=True)
        while all(process.poll() is None for process in started):
            time.sleep(0.5)
        click.echo(f"error: one of the processes ended by itself: see {logs}", err=True)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(started)
        children.unlink(missing_ok=True)


def _end_orphans(children: Path) -> None:
    """What an `up` that was killed left running is ended: it holds the port, and its daemon would start runs twice."""
    if not children.exists():
        return
    owner, *orphans = children.read_text().splitlines()
    if not is_gone(owner):
        raise ConfigError(f"`meta-pipeline up` is running on this home already (process {pid_of(owner)})")
    for orphan in orphans:
        if (pid := pid_of(orphan)) is not None:
            os.killpg(pid, signal.SIGKILL)
        while pid_of(orphan) is not None:
            time.sleep(0.1)
    children.unlink()


def _start(command: Sequence[str], log: int, public_url: str) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that its code servers end with it."""
    environment = child_environment(META_PIPELINE_PUBLIC_URL=public_url)
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                continue
        for process in processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                continue


def _check_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ConfigError(f"port {port} is taken: choose another with {option}") from None


def _wait_for(url: str, processes: Sequence[subprocess.Popen[bytes]], logs: Path) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end:
        if any(process.poll() is not None for process in processes):
            raise ConfigError(f"one of the processes did not start: see {logs}")
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise ConfigError(f"{url} did not answer within {READY_WITHIN_S:.0f} s: see {logs}")
