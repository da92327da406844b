"""A dead process is gone, on every system, and a living one never is."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from meta_pipeline.store.coordination.processes import identity, is_gone, pid_of


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(["sleep", "60"])
    yield started
    started.kill()
    started.wait()


def test_a_process_is_gone_when_it_has_ended_and_not_before(process: subprocess.Popen[bytes]) -> None:
    name = identity(process.pid)
    assert not is_gone(name) and pid_of(name) == process.pid

    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has collected it: a zombie

    assert is_gone(name) and pid_of(name) is None
    process.wait()
    assert is_gone(name)


def test_a_process_identity_needs_no_proc_folder(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS the identity was `host:pid:None`, and no process was ever reported as gone."""
    def absent(self: Path, *_: object, **__: object) -> str:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "read_text", absent)
    name = identity(process.pid)
    process.kill()
    process.wait()

    assert is_gone(name) and not is_gone(identity())


def test_another_process_with_the_same_id_is_not_mistaken_for_it() -> None:
    host, pid, started = identity().rsplit(":", 2)

    assert is_gone(f"{host}:{pid}:{float(started) - 60:.2f}")
    assert not is_gone(f"another.host:{pid}:{float(started) - 60:.2f}")


def test_a_step_of_the_clock_changes_no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    name, stepped = identity(), psutil.boot_time() + 7200
    monkeypatch.setattr(psutil, "boot_time", lambda: stepped)
    if psutil.LINUX:  # macOS reads the start of a process from the kernel in the time of the stepped clock
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: stepped)
        assert psutil.Process().create_time() > time.time()
    assert not is_gone(name)


def test_without_start_times_the_process_id_decides(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: psutil.Process) -> float:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "create_time", denied)
    name = identity(process.pid)
    assert not is_gone(name) and not is_gone(f"{name}None")

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert is_gone(name) and is_gone(f"{name}None")
