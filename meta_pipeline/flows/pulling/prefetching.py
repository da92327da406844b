"""Prefetch report runs in threads: Meta works on those of some accounts while others are landed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from meta_pipeline.flows.pulling import pulls, side_by_side
from meta_pipeline.flows.pulling.node_range import NodeRange
from meta_pipeline.flows.pulling.pull_context import PullContext

PREFETCHED_AT_ONCE = 8
Prefetches = dict[concurrent.futures.Future[None], NodeRange]


@contextlib.contextmanager
def prefetching(
    ranges: Sequence[NodeRange],
    *,
    pull_context: Callable[[str, Callable[[float], None]], PullContext],
    sleep: Callable[[float], None],
    stop_within_s: float,
) -> Iterator[Prefetches]:
    """Yield a future for each range, which is done when Meta has finished the range's report runs.

    `pull_context` returns the context of a backfill id with the given sleep. When the block raises, calls in flight
    get `stop_within_s` to end; a thread may wait for Meta longer than a person waits for a command."""
    stopping = threading.Event()
    interruptible = side_by_side.interruptible(sleep, stopping)

    def prefetch(node_range: NodeRange) -> None:
        if not stopping.is_set():
            context = pull_context(node_range.backfill_id, interruptible)
            pulls.prefetch_runs(node_range.node_id, node_range.days, node_range.reports, context=context)

    threads = concurrent.futures.ThreadPoolExecutor(
        min(PREFETCHED_AT_ONCE, len(ranges)), thread_name_prefix="prefetch"
    )
    prefetches = {threads.submit(prefetch, node_range): node_range for node_range in ranges}
    try:
        yield dict(prefetches)
    except BaseException:
        stopping.set()
        threads.shutdown(wait=False, cancel_futures=True)
        concurrent.futures.wait(prefetches, stop_within_s)
        raise
    stopping.set()  # a worker was killed, or all is done: running prefetches end, and no other starts
    threads.shutdown(cancel_futures=True)
