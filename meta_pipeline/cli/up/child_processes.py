"""The child processes of `up`: the lock that allows one `up` per home, their identities on disk, their log."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from meta_pipeline.processes.environment import child_environment
from meta_pipeline.records import ConfigError
from meta_pipeline.store.coordination.processes import identity, is_gone, pid_of

LARGEST_LOG = 5 * 1024 * 1024
STOP_WITHIN_S = 15.0


@contextlib.contextmanager
def up_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a home's `up` while the block runs; raise ConfigError when another process holds it.

    The system frees the lock when the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise _already_running(lock.read().strip()) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def kill_orphans(file: Path, *, sleep: Callable[[float], None]) -> None:
    """Kill the processes that a killed `up` has left: they hold the ports, and their daemon would start runs twice.

    A file that can't be parsed counts as empty."""
    owner, *orphans = _read_identities(file)
    if owner is not None and (pid := pid_of(owner)) is not None:  # started by a version without a lock
        raise _already_running(str(pid))
    for orphan in orphans:
        if orphan is not None and (pid := pid_of(orphan)) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            while pid_of(orphan) is not None:
                sleep(0.1)
    file.unlink(missing_ok=True)


def _read_identities(file: Path) -> list[str | None]:
    """Return the identities in the file, that of `up` first; `[None]` when it is empty or can't be parsed."""
    try:
        identities = file.read_text().splitlines()
        for process in identities:
            is_gone(process)
    except (OSError, ValueError):
        return [None]
    return [*identities] or [None]


def _already_running(process: str) -> ConfigError:
    return ConfigError(f"`meta-pipeline up` is running on this home already (process {process})")


class ChildProcesses:
    """The processes of one `up`. Each is the leader of a session and ends when `up` does."""

    def __init__(self, *, folder: Path, log: Path, sleep: Callable[[float], None]) -> None:
        self._identities_file, self._log, self._sleep = folder / "up.processes", log, sleep
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # The children read; only `up` has the write end, so its end of file means that `up` has ended.
        self._read_end, self._write_end = os.pipe()

    def start(self, name: str, module: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run `python -m module` and add its identity to the file."""
        command = [sys.executable, "-m", "meta_pipeline.processes.child", str(self._read_end), module, *arguments]
        with self._log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=child_environment(**environment),
                start_new_session=True, pass_fds=(self._read_end,),
            )
        identities = [identity(), *(identity(process.pid) for process in self._processes.values())]
        temporary = self._identities_file.with_name(f".{self._identities_file.name}.{os.getpid()}")
        temporary.write_text("\n".join(identities))
        temporary.replace(self._identities_file)

    def first_exited(self) -> str | None:
        """Return the name of a child that has exited, or None while all run."""
        return next((name for name, process in self._processes.items() if process.poll() is not None), None)

    def rotate_log(self) -> None:
        """Copy a log that has grown too large to `up.log.1` and truncate it: the children append to the open file."""
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG:
            shutil.copyfile(self._log, self._log.with_name(f"{self._log.name}.1"))
            os.truncate(self._log, 0)

    def stop(self) -> None:
        """Terminate all children, kill those that take longer than STOP_WITHIN_S, and delete the file of identities."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        try:
            while time.monotonic() < deadline and any(process.poll() is None for process in self._processes.values()):
                self._sleep(0.05)
        finally:  # a second Ctrl-C interrupts the wait
            self._signal(signal.SIGKILL)
            for process in self._processes.values():
                process.wait()
            os.close(self._write_end)
            os.close(self._read_end)
            self._identities_file.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
