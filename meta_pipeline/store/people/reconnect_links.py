"""Reconnect links, stored by digest, so that a copy of the store grants no access."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.people import reconnect_links


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectLink:
    """The right of one person to start one consent. `onboarding_id`: the onboarding that used it."""

    digest: str
    subject_id: str
    phase: int
    issued_at: dt.datetime
    ends_at: dt.datetime
    onboarding_id: str | None


def record(
    engine: sa.Engine, digest: str, *, subject_id: str, phase: int, now: dt.datetime, ends_at: dt.datetime
) -> None:
    """Record a link; remove those that have ended and were not used."""
    with engine.begin() as connection:
        connection.execute(
            reconnect_links.delete().where(reconnect_links.c.ends_at <= now, reconnect_links.c.onboarding_id.is_(None))
        )
        connection.execute(
            reconnect_links.insert().values(
                digest=digest, subject_id=subject_id, phase=phase, issued_at=now, ends_at=ends_at
            )
        )


def find(engine: sa.Engine, digest: str) -> ReconnectLink | None:
    """Return the link with this digest, ended or not."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(reconnect_links).where(reconnect_links.c.digest == digest)).first()
    return None if row is None else ReconnectLink(**row._mapping)


def use(engine: sa.Engine, digest: str, onboarding_id: str) -> bool:
    """Mark the link as used; return False when it was used before."""
    is_unused = (reconnect_links.c.digest == digest, reconnect_links.c.onboarding_id.is_(None))
    unused = reconnect_links.update().where(*is_unused)
    with engine.begin() as connection:
        return bool(connection.execute(unused.values(onboarding_id=onboarding_id)).rowcount)


def remove(engine: sa.Engine, digest: str) -> None:
    """Remove a link that was not delivered."""
    with engine.begin() as connection:
        connection.execute(reconnect_links.delete().where(reconnect_links.c.digest == digest))


def invited_subject(engine: sa.Engine, onboarding_id: str) -> str | None:
    """Return the id of the person whose link an onboarding used; None when it used none."""
    query = sa.select(reconnect_links.c.subject_id).where(reconnect_links.c.onboarding_id == onboarding_id)
    with engine.connect() as connection:
        return connection.execute(query).scalar()
