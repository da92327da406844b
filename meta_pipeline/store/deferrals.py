"""Waits that were written down: which account's report of a backfill may be read again, and when."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.schema import deferred_ranges


def defer(
    engine: sa.Engine, *, backfill_id: str, node_id: str, report: str, retry_at: dt.datetime, reason: str
) -> None:
    """This report of this account waits until `retry_at`."""
    forget(engine, backfill_id=backfill_id, node_id=node_id, report=report)
    with engine.begin() as connection:
        connection.execute(
            deferred_ranges.insert().values(
                backfill_id=backfill_id, node_id=node_id, report=report, retry_at=retry_at, reason=reason
            )
        )


def forget(engine: sa.Engine, *, backfill_id: str, node_id: str, report: str) -> None:
    """Nothing waits here any more."""
    with engine.begin() as connection:
        connection.execute(
            deferred_ranges.delete().where(
                deferred_ranges.c.backfill_id == backfill_id,
                deferred_ranges.c.node_id == node_id,
                deferred_ranges.c.report == report,
            )
        )


def due_at(engine: sa.Engine, *, backfill_id: str, node_id: str) -> dt.datetime | None:
    """When the account may be read again in this backfill; None when it waits for nothing."""
    query = sa.select(deferred_ranges.c.retry_at).where(
        deferred_ranges.c.backfill_id == backfill_id, deferred_ranges.c.node_id == node_id
    )
    with engine.connect() as connection:
        return max(connection.execute(query).scalars(), default=None)
