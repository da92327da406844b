"""Which process this is, and whether another one still lives: host, pid and start time together name one process."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def identity(pid: int | None = None) -> str:
    """`host:pid:start` of this process, or of another one of this host."""
    pid = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def pid_of(process: str) -> int | None:
    """The process id when the process lives on this host, else None."""
    host, pid, _ = process.rsplit(":", 2)
    return int(pid) if host == socket.gethostname() and not is_gone(process) else None


def is_gone(process: str) -> bool:
    """Whether a process of this host is dead. Of another host's nothing is known, so it counts as alive."""
    host, pid, started = process.rsplit(":", 2)
    return host == socket.gethostname() and str(_started(int(pid))) != started


def _started(pid: int) -> str | None:
    """Kernel ticks between boot and the process's start (field 22 of /proc/<pid>/stat); None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]
