"""The runs of a backfill: one node and one contiguous range each, in a few spawned processes."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.flows.pulling.node_range import NodeRange, RangeOutcome
from meta_pipeline.flows.pulling.prefetching import Prefetches, prefetching
from meta_pipeline.processes.worker_pool import STOP_WITHIN_S, worker_pool
from meta_pipeline.records import StoreError
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import storage_error

TICK_S = 0.5
_KILLED = "its process was killed; run the same command again to continue"


def land_ranges(
    runtime: Runtime, ranges: Sequence[NodeRange], *, tick: Callable[[], None], processes: int = 2
) -> Iterator[RangeOutcome]:
    """Run the ranges, each as Dagster runs, and yield an outcome as each one ends.

    A run's failure never stops the others. `tick` is called at least every half second while runs are under way."""
    # Threads that call materialize deadlock on a logging lock: one run at a time per process, processes are spawned.
    # Threads of this process prefetch their report runs, so that no run waits for Meta.
    count = min(processes, len(ranges))
    with worker_pool(count) as pool:
        opened = pool.submit(_open, runtime.settings, [(each.kind.name, each.node_id) for each in ranges])
        with contextlib.suppress(BrokenProcessPool):  # killed: the next submit reports it
            for _ in range(count - 1):
                pool.submit(_warm_up, runtime.settings)
        with prefetching(
            ranges, sleep=runtime.sleep, stop_within_s=STOP_WITHIN_S,
            pull_context=lambda backfill_id, sleep: runtime.pull_context(
                run_id="ahead", backfill_id=backfill_id, purpose="backfill", sleep=sleep
            ),
        ) as prefetches:
            _wait_until_open(opened, tick)
            yield from _land_when_prefetched(runtime.settings, prefetches, pool, tick)


def _wait_until_open(opened: concurrent.futures.Future[str | None], tick: Callable[[], None]) -> None:
    """Wait until a run may start; raise StoreError when Dagster's storage can't be used. The next submit reports a
    process that was killed."""
    while not concurrent.futures.wait([opened], TICK_S).done:
        tick()
    if opened.exception() is None and (refusal := opened.result()):
        raise StoreError(refusal)
    if (error := opened.exception()) is not None and not isinstance(error, BrokenProcessPool):
        raise error


def _land_when_prefetched(
    settings: Settings, prefetches: Prefetches, pool: ProcessPoolExecutor, tick: Callable[[], None]
) -> Iterator[RangeOutcome]:
    """Run every range once Meta has finished its report runs. After a process was killed, all other ranges fail too:
    the pool accepts no more work, so nothing would read their report runs."""
    running: dict[concurrent.futures.Future[RangeOutcome], NodeRange] = {}
    while prefetches or running:
        futures: list[concurrent.futures.Future[Any]] = [*prefetches, *running]
        done = concurrent.futures.wait(futures, TICK_S, concurrent.futures.FIRST_COMPLETED).done
        tick()
        killed: list[NodeRange] = []
        for node_range in [prefetches.pop(future) for future in done if future in prefetches]:
            try:
                running[pool.submit(_run_range, settings, node_range)] = node_range
            except BrokenProcessPool:
                killed.append(node_range)
        for future in [future for future in done if future in running]:
            node_range = running.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                killed.append(node_range)
        if killed:
            unfinished = (*killed, *running.values(), *prefetches.values())
            yield from (RangeOutcome(node_range, (_KILLED,)) for node_range in unfinished)
            return


def _open(settings: Settings, nodes: Sequence[tuple[str, str]]) -> str | None:
    """Import and open everything in a worker process, and prepare Dagster's storage: mark killed runs, and add the
    partitions of these nodes (name of the kind, id). Return an error of storage as a sentence. The command itself does
    not import Dagster, and prefetches meanwhile."""
    from meta_pipeline.defs.runs.range_run import open_range_run
    from meta_pipeline.defs.runs.range_setup import add_partitions_of

    try:
        add_partitions_of(open_range_run(settings).instance, nodes)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return str(named)
    return None


def _warm_up(settings: Settings) -> None:
    """Import and open everything in a worker process while Meta works on the first report runs."""
    from meta_pipeline.defs.runs.range_run import open_range_run

    open_range_run(settings)


def _run_range(settings: Settings, node_range: NodeRange) -> RangeOutcome:
    """Run a range in a worker process; an error of storage is its reason, in one sentence."""
    from meta_pipeline.defs.runs.range_run import open_range_run

    try:
        return open_range_run(settings).land(node_range)
    except Exception as error:
        if (named := storage_error(error)) is None:
            raise
        return RangeOutcome(node_range, (str(named),))
