"""Several accounts at once: while Meta works on the report runs of some, others are read."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import sqlalchemy as sa

from meta_pipeline.flows.pulling.pull_context import INTERRUPTED, PullContext
from meta_pipeline.flows.pulling.pulls import land
from meta_pipeline.flows.pulling.remaining_days import days_by_report
from meta_pipeline.records import FailedDay, LandedFile, MetaPipelineError
from meta_pipeline.store.coordination import leases

# Accounts whose report runs are in flight together: a run is mostly waiting for Meta.
ACCOUNTS_AT_ONCE = 8
# The longest sleep without a check for an interruption, seconds.
LONGEST_SLEEP_S = 1.0


def land_side_by_side(
    days_by_node: Mapping[str, Sequence[dt.date]],
    reports: Sequence[str],
    *,
    context: PullContext,
    at_once: int = ACCOUNTS_AT_ONCE,
) -> Iterator[LandedFile | FailedDay]:
    """Run `land` for every node, several of them at once. Each node is held by its lease, so that no other run works on
    it. When the generator is closed, no further node starts and those under way stop after their current day."""
    results: queue.SimpleQueue[LandedFile | FailedDay | None] = queue.SimpleQueue()
    stopping = threading.Event()
    context = dataclasses.replace(context, sleep=interruptible(context.sleep, stopping))

    def land_node(node_id: str, days: Sequence[dt.date]) -> None:
        left = {(report, day) for report in reports for day in days}
        try:
            wanted = days_by_report(node_id, days, reports, context=context)
            left = {(report, day) for report, report_days in wanted.items() for day in report_days}
            with leases.hold(context.engine, node_id, now=context.now, sleep=context.sleep) as lease:
                for result in land(node_id, days, reports, context=context):
                    left.discard((result.report, result.day))
                    results.put(result)
                    if isinstance(result, FailedDay):
                        lease.renew()  # without the lease nothing could be committed, so no further call is made
                    if stopping.is_set():
                        return
        except (MetaPipelineError, OSError, sa.exc.SQLAlchemyError) as error:
            for report, day in sorted(left):
                results.put(FailedDay(report=report, node_id=node_id, day=day, reason=str(error)))
        finally:
            results.put(None)

    pool = concurrent.futures.ThreadPoolExecutor(min(at_once, len(days_by_node)), thread_name_prefix="account")
    nodes = [pool.submit(land_node, node_id, days) for node_id, days in days_by_node.items()]
    try:
        running = len(nodes)
        while running:
            result = results.get()
            if result is None:
                running -= 1
            else:
                yield result
    finally:
        stopping.set()
        pool.shutdown(cancel_futures=True)
    for node in nodes:
        node.result()  # an unexpected error is raised here, after all other nodes have landed


def interruptible(sleep: Callable[[float], None], stopping: threading.Event) -> Callable[[float], None]:
    """Return a sleep that raises MetaPipelineError once `stopping` is set."""

    def wait(seconds: float) -> None:
        while seconds > 0 and not stopping.is_set():
            sleep(min(seconds, LONGEST_SLEEP_S))
            seconds -= LONGEST_SLEEP_S
        if stopping.is_set():
            raise MetaPipelineError(INTERRUPTED)

    return wait
