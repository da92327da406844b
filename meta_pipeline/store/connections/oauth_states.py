"""Used OAuth states, stored by nonce until they expire."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.schema.connections import oauth_states


def mark_used(
    engine: sa.Engine, nonce: str, *, issued_at: dt.datetime, now: dt.datetime, forget_before: dt.datetime
) -> bool:
    """Record that a state was used; return False if it was used before. Remove the states issued before
    `forget_before`: they are refused because they have expired."""
    try:
        with engine.begin() as connection:
            connection.execute(oauth_states.insert().values(nonce=nonce, issued_at=issued_at, used_at=now))
            connection.execute(oauth_states.delete().where(oauth_states.c.issued_at < forget_before))
    except sa.exc.IntegrityError:
        return False
    return True
