"""The days that an attempt has left to read: those of each report that have landed, are too old, or wait for a limit of
Meta need no call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from meta_pipeline.extract.reports import is_snapshot, too_old
from meta_pipeline.flows.pull_context import PullContext
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
    name: str, node_id: str, days: Sequence[dt.date], *, context: PullContext
) -> tuple[list[Result], set[dt.date]]:
    """Return the days of a report that need no call (landed by this backfill, too old, or waiting for a limit of Meta),
    and those that have not landed. When the report waits, they are among the failed ones as well."""
    landed = ledger.find_days(
        context.engine, report=name, node_id=node_id, days=days, backfill_id=context.backfill_id
    )
    results: list[Result] = list(landed.values())
    left = set(days) - set(landed)
    today = context.today_of(node_id)
    expired = {day: reason for day in sorted(left) if (reason := too_old(context.reports[name], day, today))}
    results.extend(failed_day(name, node_id, day, reason) for day, reason in expired.items())
    return results, left - expired.keys()


def waiting_reason(name: str, node_id: str, *, context: PullContext) -> str | None:
    """Return why a report still waits for a limit of Meta; None when it can be read, and then forget that it waited."""
    waiting = deferrals.waiting_reports(
        context.engine, backfill_id=context.backfill_id, node_id=node_id, now=context.now()
    )
    if name in waiting:
        return waiting[name]
    deferrals.remove(context.engine, backfill_id=context.backfill_id, node_id=node_id, report=name)
    return None


def failed_day(report: str, node_id: str, day: dt.date, reason: str, *, is_refused: bool = False) -> FailedDay:
    """Return a day that did not land, with the reason."""
    return FailedDay(report=report, node_id=node_id, day=day, reason=reason, is_refused=is_refused)
