"""Reconnect links: each lets one person connect again without a sign-in, and do nothing else.

It is signed, and sent by mail and webhook only. The store holds its digest, with the person and the phase it is for."""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa
from itsdangerous import BadData

from meta_pipeline.consent.signing import as_bytes, digest_of, serializer
from meta_pipeline.store.people import reconnect_links
from meta_pipeline.store.people.reconnect_links import ReconnectLink

LIFE = dt.timedelta(hours=72)
PURPOSE = "reconnect link"


def issue(engine: sa.Engine, *, key: str, subject_id: str, phase: int, now: dt.datetime) -> str:
    """Return the text of a new link for this person and phase, valid for 72 hours."""
    text = serializer(PURPOSE, key=key).dumps(secrets.token_urlsafe(24))
    reconnect_links.record(engine, digest_of(text), subject_id=subject_id, phase=phase, now=now, ends_at=now + LIFE)
    return text


def withdraw(engine: sa.Engine, text: str) -> None:
    """Remove a link that could not be delivered."""
    reconnect_links.remove(engine, digest_of(text))


def find(engine: sa.Engine, text: str, *, key: str) -> ReconnectLink | None:
    """Return the link with this text, ended or not; None when we did not issue it."""
    try:
        serializer(PURPOSE, key=key).loads(as_bytes(text))
    except BadData:
        return None
    return reconnect_links.find(engine, digest_of(text))


def is_open(link: ReconnectLink, *, now: dt.datetime) -> bool:
    """Return whether the link still lets its person in: neither used nor older than 72 hours."""
    return link.onboarding_id is None and now < link.ends_at
