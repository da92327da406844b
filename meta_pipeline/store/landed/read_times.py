"""Times of the last read of days, whether or not anything in them had changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from meta_pipeline.store.landed.ledger import day_is, read_time
from meta_pipeline.store.schema.landed import landed_files
from meta_pipeline.store.schema.metadata import Utc


def last_read(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> dt.datetime | None:
    """Return when this day was last read, whether or not anything had changed; None when never."""
    query = sa.select(read_time).where(
        day_is(landed_files, report, node_id, day)
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def days_read_since(
    engine: sa.Engine, *, node_id: str, reports: Iterable[str], since: dt.date
) -> dict[dt.date, dt.datetime]:
    """Return the days that all of these reports have, with the oldest of their read times."""
    wanted = sorted(reports)
    read_at = sa.func.min(read_time)
    query = (
        sa.select(landed_files.c.day, read_at.label("at"), sa.func.count().label("reports"))
        .where(landed_files.c.node_id == node_id, landed_files.c.report.in_(wanted), landed_files.c.day >= since)
        .group_by(landed_files.c.day)
    )
    with engine.connect() as connection:
        return {row.day: row.at for row in connection.execute(query) if row.reports == len(wanted)}


def reads_and_changes_since(
    engine: sa.Engine, *, node_id: str, report: str, since: dt.date
) -> dict[dt.date, tuple[dt.datetime, dt.datetime]]:
    """Return the days of a report from `since` on: when each was last read, and since when its content has not
    changed."""
    query = sa.select(landed_files.c.day, read_time.label("at"), landed_files.c.landed_at).where(
        landed_files.c.node_id == node_id, landed_files.c.report == report, landed_files.c.day >= since
    )
    with engine.connect() as connection:
        return {row.day: (row.at, row.landed_at) for row in connection.execute(query)}


def last_read_by_node(engine: sa.Engine) -> dict[str, dt.datetime]:
    """Return when each node was last read, by node id."""
    read_at = sa.func.max(read_time)
    query = sa.select(landed_files.c.node_id, read_at.label("at")).group_by(landed_files.c.node_id)
    with engine.connect() as connection:
        return {row.node_id: row.at for row in connection.execute(query)}


def newest_read(engine: sa.Engine) -> dt.datetime | None:
    """Return when any day of any report was last read; None if nothing has landed."""
    read_at = read_time
    query = sa.select(sa.type_coerce(sa.func.max(read_at), Utc()))
    with engine.connect() as connection:
        newest: dt.datetime | None = connection.execute(query).scalar()
    return newest
