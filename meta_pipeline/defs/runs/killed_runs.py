"""Report runs whose process was killed, which Dagster does not notice, and free the pool slots that they held
(docs/decisions/0029)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import dagster as dg
import sqlalchemy as sa

from meta_pipeline.store.coordination.heartbeat import beating
from meta_pipeline.store.coordination.processes import identity, is_gone, pid_of

PROCESS_TAG = "meta/process"
REAP_EVERY_S = 10.0
_MESSAGE = "the process of this run was killed; what it had landed stays"
_CANCELING = dg.DagsterRunStatus.CANCELING
_UNFINISHED = [
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED, _CANCELING,
]
_log = logging.getLogger(__name__)


def process_tags() -> dict[str, str]:
    """Return the tag that names the process of a run."""
    return {PROCESS_TAG: identity()}


def reap(opened: dg.DagsterInstance) -> list[str]:
    """Report the runs of this host whose process is gone as failed, or as canceled when that was requested, and free
    the pool slots of every run that has ended. Return the ids of the reported runs."""
    dead = []
    for listed in opened.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        # Read again: its process may have written a last event before it ended, and another process may reap as well.
        run = opened.get_run_by_id(listed.run_id) if _is_killed(opened, listed) else None
        if run is None or run.status not in _UNFINISHED:
            continue
        report = opened.report_run_canceled if run.status == _CANCELING else opened.report_run_failed
        report(run, message=_MESSAGE)
        dead.append(run.run_id)
    slots = opened.event_log_storage
    for run_id in slots.get_concurrency_run_ids():
        if _is_over(opened.get_run_by_id(run_id)):
            slots.free_concurrency_slots_for_run(run_id)
    return dead


@contextlib.contextmanager
def reaping(opened: dg.DagsterInstance) -> Iterator[None]:
    """Reap now, and every few seconds until the block ends: its runs may wait for the slot of a killed run."""
    reap(opened)

    def reap_again() -> None:
        try:
            reap(opened)
        except (dg.DagsterError, sa.exc.SQLAlchemyError, OSError) as error:  # the next attempt may succeed
            _log.warning("could not check for killed runs: %s", error)

    with beating(reap_again, every_s=REAP_EVERY_S):
        yield


def _is_killed(opened: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether the run's process is gone. A retry has the process tag of the run before it until its own process
    writes its tag."""
    process = run.tags.get(PROCESS_TAG)
    if process is None or not is_gone(process):
        return False
    if run.parent_run_id is None:
        return True
    before = opened.get_run_by_id(run.parent_run_id)
    return before is not None and before.tags.get(PROCESS_TAG) != process


def _is_over(run: dg.DagsterRun | None) -> bool:
    """Return whether no process works on a run: a run that was canceled by force may still be writing."""
    if run is None:
        return True
    process = run.tags.get(PROCESS_TAG)
    return run.is_finished and (process is None or pid_of(process) is None)
