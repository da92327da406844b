"""Submitted report runs, so that a restarted worker polls them instead of submitting them again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.pulls import report_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A report run that Meta has, for a range of days, both inclusive. `previous_run_id`: the run of the same request
    that it replaced because that one made no progress; `percent` and `changed_at`: the last progress, and when it was
    first seen."""

    report_run_id: str
    since: dt.date
    until: dt.date
    submitted_at: dt.datetime
    is_done: bool
    previous_run_id: str | None = None
    percent: int | None = None
    changed_at: dt.datetime | None = None


def recorded(engine: sa.Engine, *, backfill_id: str, node_id: str, report: str) -> list[RecordedRun]:
    """Return the report runs of this backfill that were not abandoned, by first day."""
    query = sa.select(report_runs).where(
        report_runs.c.backfill_id == backfill_id,
        report_runs.c.node_id == node_id,
        report_runs.c.report == report,
        report_runs.c.status != "abandoned",
    )
    with engine.connect() as connection:
        return [
            RecordedRun(
                report_run_id=row.report_run_id, since=row.since, until=row.until, submitted_at=row.submitted_at,
                is_done=row.status == "completed", previous_run_id=row.previous_run_id, percent=row.percent,
                changed_at=row.changed_at,
            )
            for row in connection.execute(query.order_by(report_runs.c.since))
        ]


def record(
    engine: sa.Engine,
    *,
    request_digest: str,
    backfill_id: str,
    report_run_id: str,
    node_id: str,
    report: str,
    since: dt.date,
    until: dt.date,
    now: dt.datetime,
    previous_run_id: str | None = None,
) -> None:
    """Record a report run before it is polled. It replaces an earlier one of the same request, which stays recorded as
    `previous_run_id` if it may still complete."""
    with engine.begin() as connection:
        connection.execute(
            report_runs.delete().where(
                report_runs.c.request_digest == request_digest, report_runs.c.backfill_id == backfill_id
            )
        )
        connection.execute(
            report_runs.insert().values(
                request_digest=request_digest, backfill_id=backfill_id, report_run_id=report_run_id,
                node_id=node_id, report=report, since=since, until=until, submitted_at=now, status="submitted",
                previous_run_id=previous_run_id,
            )
        )


def set_status(engine: sa.Engine, *, report_run_id: str, status: str) -> None:
    """Record the status of a run: `submitted`, `completed` or `abandoned`."""
    with engine.begin() as connection:
        connection.execute(
            report_runs.update().where(report_runs.c.report_run_id == report_run_id).values(status=status)
        )


def progress(engine: sa.Engine, *, backfill_id: str) -> tuple[int, int]:
    """Return how many report runs of this backfill Meta has completed, and how many were submitted."""
    query = (
        sa.select(report_runs.c.status, sa.func.count().label("runs"))
        .where(report_runs.c.backfill_id == backfill_id, report_runs.c.status != "abandoned")
        .group_by(report_runs.c.status)
    )
    with engine.connect() as connection:
        counts = {row.status: row.runs for row in connection.execute(query)}
    return counts.get("completed", 0), sum(counts.values())


def restore(engine: sa.Engine, *, report_run_id: str, previous_run_id: str, status: str) -> None:
    """Restore a run in the place of the one that replaced it."""
    with engine.begin() as connection:
        connection.execute(
            report_runs.update().where(report_runs.c.report_run_id == report_run_id)
            .values(report_run_id=previous_run_id, previous_run_id=None, status=status, percent=None, changed_at=None)
        )


def note_progress(engine: sa.Engine, *, report_run_id: str, percent: int | None, now: dt.datetime) -> None:
    """Record the progress of a run, first seen at `now`."""
    with engine.begin() as connection:
        connection.execute(
            report_runs.update().where(report_runs.c.report_run_id == report_run_id)
            .values(percent=percent, changed_at=now)
        )


def oldest_running(engine: sa.Engine, *, since: dt.datetime) -> str | None:
    """Return the id of the first report run, of all accounts and backfills, that was submitted at `since` or later and
    has not ended."""
    query = (
        sa.select(report_runs.c.report_run_id)
        .where(report_runs.c.status == "submitted", report_runs.c.submitted_at >= since)
        .order_by(report_runs.c.submitted_at, report_runs.c.report_run_id).limit(1)
    )
    with engine.connect() as connection:
        report_run_id: str | None = connection.execute(query).scalar()
    return report_run_id
