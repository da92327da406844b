"""The running processes of a home: every process has its home in its environment."""

from __future__ import annotations

import psutil

from harness.home import Home


def processes_of(home: Home) -> list[psutil.Process]:
    """Return the running processes of a home."""
    processes = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("META_PIPELINE_HOME") == home.environment["META_PIPELINE_HOME"]:
                processes.append(process)
        except psutil.Error:
            continue
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def left_after(home: Home, *, within_s: float = 20.0) -> list[str]:
    """Return the command lines of processes that still run after `within_s`; return at once when none does."""
    _, alive = psutil.wait_procs(processes_of(home), timeout=within_s)
    return [" ".join(process.cmdline()) for process in alive]
