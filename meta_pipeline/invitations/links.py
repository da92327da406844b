"""The links of invitations: 256 random bits each. The store has only their SHA-256: a copy of it opens none."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.consent.signing import digest_of, is_same
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation, InvitationLink

STATUS_LIFE = dt.timedelta(days=7)
MOST_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link that we issued, and its invitation."""

    link: InvitationLink
    invitation: Invitation


def new_invitation_id() -> str:
    """Return a new id of an invitation, for operators. It does not open the invitation."""
    return secrets.token_hex(4)


def issue(engine: sa.Engine, id: str, *, is_status: bool, now: dt.datetime, ends_at: dt.datetime) -> str:
    """Return the text of a new link; earlier links of the invitation end."""
    text = secrets.token_urlsafe(32)
    invitations.add_link(engine, id, digest_of(text), is_status=is_status, now=now, ends_at=ends_at)
    return text


def find(engine: sa.Engine, text: str) -> OpenedLink | None:
    """Return the link with this text, ended or not; None when we did not issue it. It is looked up by its digest, and
    the digests are compared in constant time."""
    if len(text) > MOST_CHARACTERS:
        return None
    return find_by_digest(engine, digest_of(text))


def find_by_digest(engine: sa.Engine, digest: str) -> OpenedLink | None:
    """Return the link with this digest."""
    link = invitations.find_link(engine, digest)
    if link is None or not is_same(link.digest, digest):
        return None
    invitation = invitations.find(engine, link.invitation_id)
    return None if invitation is None else OpenedLink(link, invitation)
