"""Name processes so that another one can check later whether they still run: host, process id and start time."""

from __future__ import annotations

import os
import socket

import psutil

# Start times are read as seconds since boot from a clock of whole seconds that may be adjusted meanwhile.
_SAME_START_S = 2.0


def identity(pid: int | None = None) -> str:
    """Return `host:pid:start` of this process, or of another one of this host; the start is empty if it is unknown."""
    pid = os.getpid() if pid is None else pid
    started = _started(pid)
    return f"{socket.gethostname()}:{pid}:{'' if started is None else format(started, '.2f')}"


def pid_of(process: str) -> int | None:
    """Return the process id; None if the process does not run on this host."""
    host, pid, _ = process.rsplit(":", 2)
    return int(pid) if host == socket.gethostname() and not is_gone(process) else None


def is_gone(process: str) -> bool:
    """Return whether a process of this host has ended. A process of another host can't be checked and counts as
    running.

    If the start time of a process is unknown, a process with the same id counts as the same one."""
    host, text, then = process.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    pid = int(text)
    if not _is_running(pid):
        return True
    started = _started(pid)
    try:
        return started is not None and abs(started - float(then)) > _SAME_START_S
    except ValueError:  # it was unknown when the name was made
        return False


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _started(pid: int) -> float | None:
    """Return seconds between the boot and the start of a process, which a step of the clock does not change."""
    try:
        return psutil.Process(pid).create_time() - psutil.boot_time()
    except psutil.Error:
        return None
