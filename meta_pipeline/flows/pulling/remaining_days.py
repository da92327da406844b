"""The days that an attempt still has to read: days that have landed, are too old, or wait for a limit of Meta need no
call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from meta_pipeline.extract.reports import is_snapshot, too_old
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import deferrals

Result = LandedFile | FailedDay


def days_by_report(
    node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, context: PullContext
) -> dict[str, list[dt.date]]:
    """Return the days that each report lands when these days are requested: a snapshot lands under the day on which it
    is taken, whatever days were requested."""
    return {
        name: [context.today_of(node_id)] if is_snapshot(context.reports[name]) else list(days) for name in reports
    }


def resume_report(
    name: str, node_id: str, days: Sequence[dt.date], *, today: dt.date, context: PullContext
) -> tuple[list[Result], set[dt.date]]:
    """Return the results of a report's days that need no call (this backfill has landed them, or they are too old on
    `today`, the current day of the node's calendar), and the days that are left."""
    landed = ledger.find_days(
        context.engine, report=name, node_id=node_id, days=days, backfill_id=context.backfill_id
    )
    results: list[Result] = list(landed.values())
    left = set(days) - set(landed)
    expired = {day: reason for day in sorted(left) if (reason := too_old(context.reports[name], day, today))}
    results.extend(failed_day(name, node_id, day, reason) for day, reason in expired.items())
    return results, left - expired.keys()


def take_waiting(node_id: str, reports: Iterable[str], *, context: PullContext) -> dict[str, str]:
    """Return the reports that still wait for a limit of Meta, with the reason; remove the deferrals of the others."""
    waiting = deferrals.waiting_reports(
        context.engine, backfill_id=context.backfill_id, node_id=node_id, now=context.now()
    )
    for name in reports:
        if name not in waiting:
            deferrals.remove(context.engine, backfill_id=context.backfill_id, node_id=node_id, report=name)
    return waiting


def defer(
    name: str, node_id: str, since: dt.date, until: dt.date, error: ThrottledError, *, context: PullContext
) -> None:
    """Record when these days can be tried again after a limit of Meta."""
    deferrals.defer(
        context.engine, backfill_id=context.backfill_id, node_id=node_id, report=name, since=since, until=until,
        retry_at=context.now() + dt.timedelta(seconds=error.retry_after), reason=str(error),
    )


def failed_day(report: str, node_id: str, day: dt.date, reason: str, *, is_refused: bool = False) -> FailedDay:
    """Return a day that did not land, with the reason."""
    return FailedDay(report=report, node_id=node_id, day=day, reason=reason, is_refused=is_refused)
