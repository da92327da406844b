"""Report runs that were submitted, so that a restarted worker picks them up instead of paying again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema import report_runs


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A report run that Meta has, for a range of days, both inclusive."""

    report_run_id: str
    since: dt.date
    until: dt.date
    submitted_at: dt.datetime
    is_done: bool


def recorded(engine: sa.Engine, *, backfill_id: str, node_id: str, report: str) -> list[RecordedRun]:
    """The runs of this backfill that have not ended badly."""
    query = sa.select(report_runs).where(
        report_runs.c.backfill_id == backfill_id,
        report_runs.c.node_id == node_id,
        report_runs.c.report == report,
        report_runs.c.status != "abandoned",
    )
    with engine.connect() as connection:
        return [
            RecordedRun(row.report_run_id, row.since, row.until, row.submitted_at, row.status == "completed")
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
) -> None:
    """The run is known before it is polled; an earlier one of the same request is replaced."""
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
            )
        )


def mark(engine: sa.Engine, *, report_run_id: str, status: str) -> None:
    """Remember how a run stands: `submitted`, `completed` or `abandoned`."""
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
