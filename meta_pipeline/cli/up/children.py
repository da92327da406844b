"""The child processes of `up`: one `up` a home, children that end with it, and their log."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from meta_pipeline.processes.environment import child_environment
from meta_pipeline.records import ConfigError
from meta_pipeline.store.processes import identity, is_gone, pid_of

LARGEST_LOG = 5 * 1024 * 1024
STOP_WITHIN_S = 15.0


@contextlib.contextmanager
def only_up(folder: Path) -> Iterator[None]:
    """Hold the lock of a home's `up` while the block runs; ConfigError when another process holds it.

    The system frees the lock when the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise _running_already(lock.read().strip()) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def end_orphans(file: Path) -> None:
    """Kill what an `up` that was killed has left running: it holds the ports, and its daemon would start runs twice.

    A list that can't be read is no list."""
    owner, *orphans = _read(file)
    if owner is not None and (pid := pid_of(owner)) is not None:  # started by a version without a lock
        raise _running_already(str(pid))
    for orphan in orphans:
        if orphan is not None and (pid := pid_of(orphan)) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            while pid_of(orphan) is not None:
                time.sleep(0.1)
    file.unlink(missing_ok=True)


def _read(file: Path) -> list[str | None]:
    """Return the identities in a list of processes, the owner's first; `[None]` when the list can't be read."""
    try:
        names = file.read_text().splitlines()
        for name in names:
            is_gone(name)
    except (OSError, ValueError):
        return [None]
    return [*names] or [None]


def _running_already(process: str) -> ConfigError:
    return ConfigError(f"`meta-pipeline up` is running on this home already (process {process})")


class Children:
    """The processes of one `up`. Each is the leader of a session and ends when `up` does."""

    def __init__(self, *, folder: Path, log: Path) -> None:
        self._list, self._log = folder / "up.processes", log
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._alive, self._end_of_up = os.pipe()  # read end for the children, write end for nobody but `up`

    def start(self, name: str, module: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run `python -m module` and write its identity down."""
        command = [sys.executable, "-m", "meta_pipeline.processes.child", str(self._alive), module, *arguments]
        with self._log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=child_environment(**environment),
                start_new_session=True, pass_fds=(self._alive,),
            )
        names = [identity(), *(identity(process.pid) for process in self._running.values())]
        fresh = self._list.with_name(f".{self._list.name}.{os.getpid()}")
        fresh.write_text("\n".join(names))
        fresh.replace(self._list)

    def ended(self) -> str | None:
        """Return the name of a child that has ended, or None while all run."""
        return next((name for name, process in self._running.items() if process.poll() is not None), None)

    def rotate_log(self) -> None:
        """Move a log that has grown too large to `up.log.1`. The children append to the same file, so it is emptied."""
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG:
            shutil.copyfile(self._log, self._log.with_name(f"{self._log.name}.1"))
            os.truncate(self._log, 0)

    def stop(self) -> None:
        """End all children, by force those that take too long, and forget the list."""
        self._signal(signal.SIGTERM)
        end = time.monotonic() + STOP_WITHIN_S
        try:
            while time.monotonic() < end and any(process.poll() is None for process in self._running.values()):
                time.sleep(0.05)
        finally:  # a second Ctrl-C comes here at once
            self._signal(signal.SIGKILL)
            for process in self._running.values():
                process.wait()
            os.close(self._end_of_up)
            os.close(self._alive)
            self._list.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
