"""Sign-in links, stored by digest, so that a copy of the store grants no access."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.schema.people import sign_in_links


def record(
    engine: sa.Engine, digest: str, *, person: str, most: int, now: dt.datetime, ends_at: dt.datetime
) -> bool:
    """Record a link, and remove those that have ended; return False if the person already has `most` open ones."""
    count = sa.select(sa.func.count()).select_from(sign_in_links).where(sign_in_links.c.person == person)
    with engine.begin() as connection:
        connection.execute(sign_in_links.delete().where(sign_in_links.c.ends_at <= now))
        if connection.execute(count).scalar_one() >= most:
            return False
        connection.execute(
            sign_in_links.insert().values(digest=digest, person=person, issued_at=now, ends_at=ends_at)
        )
    return True


def find(engine: sa.Engine, digest: str, *, now: dt.datetime) -> tuple[str, str] | None:
    """Return the stored digest and the person of a link that is open."""
    query = sa.select(sign_in_links.c.digest, sign_in_links.c.person).where(
        sign_in_links.c.digest == digest, sign_in_links.c.ends_at > now
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return None if row is None else (row.digest, row.person)


def use(engine: sa.Engine, digest: str) -> bool:
    """Remove a link; return False when it was used before."""
    with engine.begin() as connection:
        return bool(connection.execute(sign_in_links.delete().where(sign_in_links.c.digest == digest)).rowcount)
