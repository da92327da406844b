"""Worker processes that end with the command that started them, and take along what they started themselves.

A worker leads a process group. A thread of it waits for the end of its parent and then kills the group: the worker, dbt
and the helpers that Dagster started for it. It needs no polling, and a parent that is killed counts on every system."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.context
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

# A stopped command gives calls that are on their way this long: a report run whose id is not recorded is paid for
# twice. What still runs then is killed, which is safe at any moment (`benchmarks/kills.py`).
STOP_WITHIN_S = 3.0


@contextlib.contextmanager
def worker_pool(count: int) -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """Yield a pool of spawned processes. They are killed when the block raises, and none is left when it ends."""
    context = _RecordingContext()
    pool = concurrent.futures.ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent)
    try:
        yield pool
    except BaseException:
        context.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        context.kill()  # what a worker that died had started


def end_with_parent() -> None:
    """Make this process lead a group, and kill the group when the parent process ends."""
    os.setpgid(0, 0)
    threading.Thread(target=_kill_group_after_parent, daemon=True, name="end-with-parent").start()


def _kill_group_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # waits for the end of file of a pipe that only the parent writes to
        os.killpg(0, signal.SIGKILL)


class _RecordingContext(multiprocessing.context.SpawnContext):
    """Spawn processes, and remember them after they have died."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[multiprocessing.context.SpawnProcess] = []

    def Process(self, *arguments: Any, **options: Any) -> multiprocessing.context.SpawnProcess:  # type: ignore[override]
        """Return a process that is not started yet."""
        process = multiprocessing.context.SpawnProcess(*arguments, **options)
        self.started.append(process)
        return process

    def kill(self) -> None:
        """Kill every process group that a worker leads, and a worker that leads none yet."""
        for process in self.started:
            if process.pid is None:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
