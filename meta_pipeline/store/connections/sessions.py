"""Sign-ins of operators to the connections page. The store holds digests: a copy of it opens no session."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.schema.connections import web_sessions


def start(engine: sa.Engine, digest: str, *, now: dt.datetime, ends_at: dt.datetime) -> None:
    """Record a session; remove those that have ended."""
    with engine.begin() as connection:
        connection.execute(web_sessions.delete().where(web_sessions.c.ends_at <= now))
        connection.execute(web_sessions.insert().values(digest=digest, started_at=now, ends_at=ends_at))


def is_open(engine: sa.Engine, digest: str, *, now: dt.datetime) -> bool:
    """Return whether the session exists and has not ended."""
    query = sa.select(web_sessions.c.digest).where(web_sessions.c.digest == digest, web_sessions.c.ends_at > now)
    with engine.connect() as connection:
        return connection.execute(query).first() is not None


def end(engine: sa.Engine, digest: str) -> None:
    """Remove a session; others stay open."""
    with engine.begin() as connection:
        connection.execute(web_sessions.delete().where(web_sessions.c.digest == digest))
