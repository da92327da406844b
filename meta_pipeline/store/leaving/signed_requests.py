"""Signed requests that were accepted, by digest: each takes effect once. Refused ones leave no row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.leaving import signed_requests
from meta_pipeline.store.upserts import insert

# Older ones are refused because of their `issued_at` (`consent/signed_request.py`).
KEPT_FOR = dt.timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was accepted before, and the confirmation code of its response."""

    code: str | None


def find(engine: sa.Engine, callback: str, digest: str) -> Received | None:
    """Return the request if this callback received it before."""
    query = sa.select(signed_requests.c.code).where(
        signed_requests.c.callback == callback, signed_requests.c.digest == digest
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return None if row is None else Received(row.code)


def record(engine: sa.Engine, callback: str, digest: str, *, code: str | None, now: dt.datetime) -> bool:
    """Record a request, and forget old ones; return False when it was recorded before."""
    statement = insert(signed_requests, dialect=engine.dialect.name).values(
        callback=callback, digest=digest, received_at=now, code=code
    )
    with engine.begin() as connection:
        connection.execute(signed_requests.delete().where(signed_requests.c.received_at < now - KEPT_FOR))
        return bool(connection.execute(statement.on_conflict_do_nothing()).rowcount)
