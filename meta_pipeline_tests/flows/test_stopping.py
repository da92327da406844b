"""A command that is stopped or killed leaves no process and says how to resume, and the same command resumes."""

from __future__ import annotations

import contextlib
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from harness.home import Home
from harness.kills.backfilled_week import BACKFILL, connect, sums_of, truth_of
from harness.kills.leftover_processes import left_after
from harness.sandbox import Sandbox

ONE = "1000000001"
COMMAND = (*BACKFILL, "--node", f"act_{ONE}")
WITHIN_S = 900.0  # far longer than any command here takes: a test that waits this long has found a hang


def landed(home: Home) -> int:
    with closing(sqlite3.connect(home.path / "home" / "control.sqlite", timeout=30)) as store:
        return int(store.execute("select count(*) from landed_files where report like '%insights%'").fetchone()[0])


def stop(home: Home, *command: str, when: Callable[[], bool], with_signal: signal.Signals) -> tuple[int, str]:
    """Start a command, send its process the signal once `when` is true, and return its exit code and its errors."""
    running = home.start(*command)
    end = time.monotonic() + WITHIN_S
    while not when():
        assert running.poll() is None, f"it ended before it could be stopped: {running.communicate()}"
        assert time.monotonic() < end
        time.sleep(0.02)
    running.send_signal(with_signal)
    try:
        _, stderr = running.communicate(timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        running.kill()
        raise
    return running.returncode, stderr


def test_a_stopped_or_killed_command_leaves_no_process_and_the_same_command_resumes(home: Home, sandbox: Sandbox) -> None:
    connect(home)

    code, stderr = stop(home, *COMMAND, when=lambda: landed(home) >= 1, with_signal=signal.SIGTERM)
    assert (code, left_after(home)) == (143, [])
    assert stderr.splitlines()[-1] == "stopped: the days that have landed stay; run the same command again to continue"

    log = home.path / "home" / "dbt" / "build.log"  # the process that loads and builds begins with an empty one
    assert not log.exists()
    code, _ = stop(home, "build", when=log.exists, with_signal=signal.SIGKILL)
    assert (code, left_after(home)) == (-signal.SIGKILL, [])

    log.unlink()
    code, stderr = stop(home, "build", when=log.exists, with_signal=signal.SIGINT)
    assert (code, left_after(home)) == (130, [])
    assert "run `meta-pipeline build` again" in stderr.splitlines()[-1]

    ended = home.run(*COMMAND)
    assert ended.returncode == 0, ended.stderr
    assert left_after(home) == []
    assert truth_of(sandbox, ONE) == sums_of(home, "ad")


@contextlib.contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """Yield the URL of a server that accepts connections and never answers, and an event of the first connection."""
    connections: list[socket.socket] = []
    has_connection = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connections.append(listener.accept()[0])
                    has_connection.set()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", has_connection
        listener.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(("with_signal", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_stops_while_meta_does_not_answer(home: Home, with_signal: signal.Signals, code: int) -> None:
    connect(home)
    with silent_server() as (url, has_connection):
        home.environment["META_PIPELINE_GRAPH_URL"] = url

        assert stop(home, *BACKFILL, when=has_connection.is_set, with_signal=with_signal)[0] == code
        assert left_after(home) == []
