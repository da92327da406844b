"""Invitations to connect again: by digest, so that a copy of the store invites nobody."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.connections import invitations


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
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
    """Record an invitation; remove those that have ended and were not used."""
    with engine.begin() as connection:
        connection.execute(
            invitations.delete().where(invitations.c.ends_at <= now, invitations.c.onboarding_id.is_(None))
        )
        connection.execute(
            invitations.insert().values(
                digest=digest, subject_id=subject_id, phase=phase, issued_at=now, ends_at=ends_at
            )
        )


def find(engine: sa.Engine, digest: str) -> Invitation | None:
    """Return the invitation with this digest, ended or not."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(invitations).where(invitations.c.digest == digest)).first()
    return None if row is None else Invitation(**row._mapping)


def use(engine: sa.Engine, digest: str, onboarding_id: str) -> bool:
    """Mark the invitation as used; return False when it was used before."""
    unused = invitations.update().where(invitations.c.digest == digest, invitations.c.onboarding_id.is_(None))
    with engine.begin() as connection:
        return bool(connection.execute(unused.values(onboarding_id=onboarding_id)).rowcount)


def remove(engine: sa.Engine, digest: str) -> None:
    """Remove an invitation that reached nobody."""
    with engine.begin() as connection:
        connection.execute(invitations.delete().where(invitations.c.digest == digest))


def invited_subject(engine: sa.Engine, onboarding_id: str) -> str | None:
    """Return the id of the person whose invitation an onboarding used; None when it used none."""
    query = sa.select(invitations.c.subject_id).where(invitations.c.onboarding_id == onboarding_id)
    with engine.connect() as connection:
        return connection.execute(query).scalar()
