"""Report runs that were submitted, so that a restarted worker picks them up instead of paying again."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.schema import report_runs


def recorded(engine: sa.Engine, *, request_digest: str, backfill_id: str) -> str | None:
    """The id of a run submitted for this request in this backfill that has not ended badly."""
    query = sa.select(report_runs.c.report_run_id).where(
        report_runs.c.request_digest == request_digest,
        report_runs.c.backfill_id == backfill_id,
        report_runs.c.status != "abandoned",
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def record(
    engine: sa.Engine,
    *,
    request_digest: str,
    backfill_id: str,
    report_run_id: str,
    node_id: str,
    report: str,
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
                node_id=node_id, report=report, submitted_at=now, status="submitted",
            )
        )


def mark(engine: sa.Engine, *, report_run_id: str, status: str) -> None:
    """Remember how a run stands: `submitted`, `completed` or `abandoned`."""
    with engine.begin() as connection:
        connection.execute(
            report_runs.update().where(report_runs.c.report_run_id == report_run_id).values(status=status)
        )
