"""Sign-in links: each signs one person of the intake in, once, for 15 minutes (docs/decisions/0071)."""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa

from meta_pipeline.consent.signing import digest_of, is_same, keyed_digest
from meta_pipeline.store.people import sign_in_links

LIFE = dt.timedelta(minutes=15)
MOST_OPEN = 5  # of one person, so that nobody can flood a mailbox


def person_digest(email: str, *, key: str) -> str:
    """Return the keyed digest that represents a person's address in the store."""
    return keyed_digest(f"person\0{email}", key=key)


def issue(engine: sa.Engine, email: str, *, key: str, now: dt.datetime) -> str | None:
    """Return the text of a new link for a person of the intake; None when the person has 5 open ones already."""
    text = secrets.token_urlsafe(32)
    is_recorded = sign_in_links.record(
        engine, digest_of(text), person=person_digest(email, key=key), most=MOST_OPEN, now=now, ends_at=now + LIFE
    )
    return text if is_recorded else None


def is_open(engine: sa.Engine, text: str, *, now: dt.datetime) -> bool:
    """Return whether a link with this text would sign somebody in."""
    return _person(engine, text, now=now) is not None


def use(engine: sa.Engine, text: str, *, now: dt.datetime) -> str | None:
    """Remove a link and return its person's digest; None when it does not exist, has expired or was used."""
    person = _person(engine, text, now=now)
    return person if person is not None and sign_in_links.use(engine, digest_of(text)) else None


def _person(engine: sa.Engine, text: str, *, now: dt.datetime) -> str | None:
    stored = sign_in_links.find(engine, digest_of(text), now=now)
    return stored[1] if stored is not None and is_same(stored[0], digest_of(text)) else None
