"""Deliveries of alerts to targets, so that none is delivered twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from meta_pipeline.store.schema.connections import alerts


def delivered(engine: sa.Engine) -> set[tuple[str, str]]:
    """Return (alert key, target) of every delivered alert."""
    with engine.connect() as connection:
        return {(row.key, row.target) for row in connection.execute(sa.select(alerts.c.key, alerts.c.target))}


def record_delivery(engine: sa.Engine, key: str, target: str, text: str, *, now: dt.datetime) -> None:
    """Record that the alert was delivered to the target."""
    with engine.begin() as connection:
        connection.execute(alerts.insert().values(key=key, target=target, text=text, sent_at=now))


def forget(engine: sa.Engine, keys: Collection[str], target: str) -> None:
    """Delete the deliveries of these alerts to the target, because the reported condition has ended."""
    with engine.begin() as connection:
        connection.execute(alerts.delete().where(alerts.c.target == target, alerts.c.key.in_(keys)))


def latest(engine: sa.Engine, limit: int) -> list[tuple[dt.datetime, str]]:
    """Return the newest alerts, each once, newest first."""
    query = (
        sa.select(sa.func.min(alerts.c.sent_at).label("at"), alerts.c.text)
        .group_by(alerts.c.key, alerts.c.text).order_by(sa.desc("at")).limit(limit)
    )
    with engine.connect() as connection:
        return [(row.at, row.text) for row in connection.execute(query)]
