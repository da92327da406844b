"""Deferrals: which node's report of a backfill waits for a limit, and until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema.pulls import deferred_ranges


def defer(
    engine: sa.Engine,
    *,
    backfill_id: str,
    node_id: str,
    report: str,
    since: dt.date,
    until: dt.date,
    retry_at: dt.datetime,
    reason: str,
) -> None:
    """Defer days of a report of an account until `retry_at`, together with the days that are already deferred."""
    here = _here(backfill_id, node_id, report)
    with engine.begin() as connection:
        row = connection.execute(sa.select(deferred_ranges).where(here)).first()
        values: dict[str, Any] = {"since": since, "until": until, "retry_at": retry_at, "reason": reason}
        if row is None:
            connection.execute(
                deferred_ranges.insert().values(backfill_id=backfill_id, node_id=node_id, report=report, **values)
            )
            return
        values["since"], values["until"] = min(since, row.since or since), max(until, row.until or until)
        connection.execute(deferred_ranges.update().where(here).values(values))


def remove(engine: sa.Engine, *, backfill_id: str, node_id: str, report: str) -> None:
    """Remove the deferral."""
    with engine.begin() as connection:
        connection.execute(deferred_ranges.delete().where(_here(backfill_id, node_id, report)))


def waiting_reports(engine: sa.Engine, *, backfill_id: str, node_id: str, now: dt.datetime) -> dict[str, str]:
    """Return the reports of an account that may not be read yet in this backfill, with the reasons."""
    query = sa.select(deferred_ranges).where(
        deferred_ranges.c.backfill_id == backfill_id, deferred_ranges.c.node_id == node_id
    )
    with engine.connect() as connection:
        return {row.report: row.reason for row in connection.execute(query) if row.retry_at > now}


def _here(backfill_id: str, node_id: str, report: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        deferred_ranges.c.backfill_id == backfill_id,
        deferred_ranges.c.node_id == node_id,
        deferred_ranges.c.report == report,
    )


def due_at(engine: sa.Engine, *, backfill_id: str, node_id: str) -> dt.datetime | None:
    """Return when the account may be read again in this backfill; None when nothing is deferred."""
    query = sa.select(deferred_ranges.c.retry_at).where(
        deferred_ranges.c.backfill_id == backfill_id, deferred_ranges.c.node_id == node_id
    )
    with engine.connect() as connection:
        return max(connection.execute(query).scalars(), default=None)


def days_of(engine: sa.Engine, *, backfill_id: str, node_id: str) -> dict[str, tuple[dt.date, dt.date]]:
    """Return the first and the last deferred day of each report of a node in a backfill."""
    query = sa.select(deferred_ranges).where(
        deferred_ranges.c.backfill_id == backfill_id, deferred_ranges.c.node_id == node_id,
        deferred_ranges.c.since.is_not(None),
    ).order_by(deferred_ranges.c.report)
    with engine.connect() as connection:
        return {row.report: (row.since, row.until) for row in connection.execute(query)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """Days of a node that a backfill may read from `retry_at` on."""

    backfill_id: str
    node_id: str
    since: dt.date
    until: dt.date
    retry_at: dt.datetime


def due(engine: sa.Engine, *, now: dt.datetime) -> list[Deferral]:
    """Return the nodes whose deferral has ended, each with one range of days, the longest due first."""
    query = (
        sa.select(
            deferred_ranges.c.backfill_id, deferred_ranges.c.node_id,
            sa.func.min(deferred_ranges.c.since).label("since"), sa.func.max(deferred_ranges.c.until).label("until"),
            sa.func.max(deferred_ranges.c.retry_at).label("retry_at"),
        )
        .where(deferred_ranges.c.since.is_not(None))
        .group_by(deferred_ranges.c.backfill_id, deferred_ranges.c.node_id)
    )
    with engine.connect() as connection:
        deferrals = [Deferral(**row) for row in connection.execute(query).mappings()]
    over = [deferral for deferral in deferrals if deferral.retry_at <= now]
    return sorted(over, key=lambda deferral: deferral.retry_at)
