"""A pool of worker processes that end with the command that started them.

Each leads a process group, so that dbt and the processes that Dagster started for it end with it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import multiprocessing
import multiprocessing.context
import os
import signal
from collections.abc import Iterator
from typing import Any

from meta_pipeline.processes.parent_death import kill_group_after

# A stopped command waits this long for calls in flight: a report run whose id is not recorded is paid for twice.
# Workers that still run then are killed, which is safe at any moment (`benchmarks/kills.py`).
STOP_WITHIN_S = 3.0
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


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
        context.kill()  # the processes that a dead worker had started


def collect_rarely() -> None:
    """Run Python's garbage collector a hundred times less often: in processes that import Dagster and dbt for a few
    seconds of work, it took a tenth of the processor time, and their objects live until they end."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 100)


def end_with_parent() -> None:
    """Make this spawned process lead a group, and kill the group when the parent process ends."""
    os.setpgid(0, 0)
    collect_rarely()
    if (parent := multiprocessing.parent_process()) is not None:
        kill_group_after(parent.join)


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
