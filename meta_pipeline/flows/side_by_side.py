"""Several accounts at once: while Meta works on one's report runs, another's are read."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import sqlalchemy as sa

from meta_pipeline.flows.pull_context import STOPPED, PullContext
from meta_pipeline.flows.pulls import land
from meta_pipeline.records import FailedDay, LandedFile, MetaPipelineError
from meta_pipeline.store import leases

# Accounts whose report runs are in flight together: a run is mostly waiting for Meta.
ACCOUNTS_AT_ONCE = 8
# How long a wait takes at most to hear that it is over, seconds.
LONGEST_NAP_S = 1.0


def land_side_by_side(
    asked: Mapping[str, Sequence[dt.date]], reports: Sequence[str], *, by: PullContext, at_once: int = ACCOUNTS_AT_ONCE
) -> Iterator[LandedFile | FailedDay]:
    """`land` for every node, several of them at once: while Meta works on one's report runs, another's are read. Each
    node is held by its lease, so that no other run works on it. When nobody listens any more, no further node begins
    and those that are under way stop after the day they are at."""
    ended: queue.SimpleQueue[LandedFile | FailedDay | None] = queue.SimpleQueue()
    stopping = threading.Event()
    by = dataclasses.replace(by, sleep=interruptible(by.sleep, stopping))

    def one(node_id: str, days: Sequence[dt.date]) -> None:
        left = {(report, day) for report in reports for day in days}
        try:
            with leases.hold(by.engine, node_id, now=by.now, sleep=by.sleep) as lease:
                for done in land(node_id, days, reports, by=by):
                    left.discard((done.report, done.day))
                    ended.put(done)
                    if isinstance(done, FailedDay):
                        lease.renew()  # once it is lost, nothing more is asked of Meta: nothing could be committed
                    if stopping.is_set():
                        return
        except (MetaPipelineError, OSError, sa.exc.SQLAlchemyError) as error:
            for report, day in sorted(left):
                ended.put(FailedDay(report=report, node_id=node_id, day=day, reason=str(error)))
        finally:
            ended.put(None)

    pool = concurrent.futures.ThreadPoolExecutor(min(at_once, len(asked)), thread_name_prefix="account")
    running = [pool.submit(one, node_id, days) for node_id, days in asked.items()]
    try:
        left = len(running)
        while left:
            done = ended.get()
            if done is None:
                left -= 1
            else:
                yield done
    finally:
        stopping.set()
        pool.shutdown(cancel_futures=True)
    for future in running:
        future.result()  # what nobody foresaw is raised here, after everybody else has landed


def interruptible(sleep: Callable[[float], None], stopping: threading.Event) -> Callable[[float], None]:
    """A sleep that ends with an error when there is nothing to wait for any more."""

    def wait(seconds: float) -> None:
        while seconds > 0 and not stopping.is_set():
            sleep(min(seconds, LONGEST_NAP_S))
            seconds -= LONGEST_NAP_S
        if stopping.is_set():
            raise MetaPipelineError(STOPPED)

    return wait
