"""Backfills: the same arguments resume one that was killed or failed, and start a new one after one that succeeded."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.digests import request_digest
from meta_pipeline.store.coordination.processes import identity, is_gone
from meta_pipeline.store.schema.pulls import backfills

RESUMABLE_FOR = dt.timedelta(hours=24)


def start(engine: sa.Engine, arguments: dict[str, Any], *, fresh: bool, now: dt.datetime) -> tuple[str, bool]:
    """Return the id of the backfill, and whether it resumes an earlier one."""
    digest = request_digest(arguments)
    with engine.begin() as connection:
        if not fresh and (earlier_id := _resumable(connection, digest, now)):
            connection.execute(
                backfills.update().where(backfills.c.id == earlier_id).values(status="running", holder=identity())
            )
            return earlier_id, True
        backfill_id = secrets.token_hex(6)
        connection.execute(
            backfills.insert().values(
                id=backfill_id, arguments_digest=digest, arguments=arguments, started_at=now, ended_at=None,
                status="running", holder=identity(),
            )
        )
    return backfill_id, False


def find_resumable(engine: sa.Engine, arguments: dict[str, Any], *, now: dt.datetime) -> str | None:
    """Return the id of the backfill that the same arguments would resume, None if they would start a new one."""
    with engine.connect() as connection:
        return _resumable(connection, request_digest(arguments), now)


def _resumable(connection: sa.Connection, digest: str, now: dt.datetime) -> str | None:
    latest = (
        sa.select(backfills).where(backfills.c.arguments_digest == digest).order_by(backfills.c.started_at.desc())
    )
    row = connection.execute(latest.limit(1)).first()
    if row is None or row.status == "done" or now - row.started_at >= RESUMABLE_FOR:
        return None
    return str(row.id)


def finish(engine: sa.Engine, backfill_id: str, *, status: str, now: dt.datetime) -> None:
    """Record how a backfill ended: `done` or `failed`."""
    with engine.begin() as connection:
        connection.execute(
            backfills.update().where(backfills.c.id == backfill_id).values(status=status, ended_at=now)
        )


@dataclass(frozen=True, slots=True)
class FailedBackfill:
    """A backfill that the same arguments resume."""

    id: str
    arguments: dict[str, Any]


def find_failed(engine: sa.Engine, *, now: dt.datetime) -> list[FailedBackfill]:
    """Return the backfills that failed within `RESUMABLE_FOR` and were not started again since, newest first."""
    query = sa.select(backfills).where(backfills.c.started_at > now - RESUMABLE_FOR)
    newest: dict[str, sa.Row[Any]] = {}
    with engine.connect() as connection:
        for row in connection.execute(query.order_by(backfills.c.started_at)):
            newest[row.arguments_digest] = row
    rows = sorted(newest.values(), key=lambda row: row.started_at, reverse=True)
    return [FailedBackfill(row.id, row.arguments) for row in rows if row.status == "failed"]


def is_running(engine: sa.Engine, backfill_id: str) -> bool:
    """Return whether a running command works on this backfill, and so waits for its limits itself."""
    query = sa.select(backfills.c.holder).where(backfills.c.id == backfill_id, backfills.c.status == "running")
    with engine.connect() as connection:
        holder = connection.execute(query).scalar()
    return holder is not None and not is_gone(holder)
