"""Web sessions. The store has digests of sessions and people, so that a copy of it grants no access."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.people import web_sessions


def start(
    engine: sa.Engine, digest: str, *, person: str | None = None, now: dt.datetime, ends_at: dt.datetime
) -> None:
    """Record a session, of a person or (None) of the operator password; remove those that have ended."""
    with engine.begin() as connection:
        connection.execute(web_sessions.delete().where(web_sessions.c.ends_at <= now))
        connection.execute(web_sessions.insert().values(digest=digest, person=person, started_at=now, ends_at=ends_at))


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is open. `person`: digest of its person's address; None for the operator password."""

    person: str | None


def find_open(engine: sa.Engine, digest: str, *, now: dt.datetime) -> Session | None:
    """Return the session with this digest; None if it does not exist or has ended."""
    query = sa.select(web_sessions.c.person).where(web_sessions.c.digest == digest, web_sessions.c.ends_at > now)
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return None if row is None else Session(row.person)


def end(engine: sa.Engine, digest: str) -> None:
    """Remove a session; others stay open."""
    with engine.begin() as connection:
        connection.execute(web_sessions.delete().where(web_sessions.c.digest == digest))
