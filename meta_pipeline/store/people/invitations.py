"""Invitations to customers, the digests of their links, and the history of their states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema.people import invitation_events, invitation_links, invitations


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation of one tenant. `way`: how the customer answered (`sign_in` or `partner`), `browser`: digest of the
    browser that did, `onboarding_id` and `token_ref`: the resulting onboarding and token; `next_check_at`, `checks`:
    when shares are polled next, and how often they were; `assets`: what was read with the new access, and what is not
    wanted."""

    id: str
    tenant: str
    kinds: tuple[str, ...]
    language: str
    state: str
    state_at: dt.datetime
    created_at: dt.datetime
    ends_at: dt.datetime
    way: str | None
    browser: str | None
    onboarding_id: str | None
    token_ref: str | None
    next_check_at: dt.datetime | None
    checks: int
    assets: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationLink:
    """A link of an invitation, by digest. `is_status`: it shows the read-only status page; `replaced_at`: since a newer
    one was issued."""

    digest: str
    invitation_id: str
    is_status: bool
    issued_at: dt.datetime
    ends_at: dt.datetime
    replaced_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A state that an invitation reached: when, and through whom (a command, a page, the customer)."""

    state: str
    at: dt.datetime
    actor: str


def record(
    engine: sa.Engine, id: str, *, tenant: str, kinds: Collection[str], language: str, actor: str, now: dt.datetime,
    ends_at: dt.datetime,
) -> None:
    """Record a new invitation."""
    with engine.begin() as connection:
        connection.execute(
            invitations.insert().values(
                id=id, tenant=tenant, kinds=list(kinds), language=language, state="created", state_at=now,
                created_at=now, ends_at=ends_at, checks=0, assets={},
            )
        )
        _add_event(connection, id, "created", actor=actor, now=now)


def add_link(
    engine: sa.Engine, id: str, digest: str, *, is_status: bool, now: dt.datetime, ends_at: dt.datetime
) -> None:
    """Record a link; it replaces the invitation's earlier ones."""
    earlier = invitation_links.update().where(
        invitation_links.c.invitation_id == id, invitation_links.c.replaced_at.is_(None)
    )
    with engine.begin() as connection:
        connection.execute(earlier.values(replaced_at=now))
        connection.execute(
            invitation_links.insert().values(
                digest=digest, invitation_id=id, is_status=is_status, issued_at=now, ends_at=ends_at
            )
        )


def find_link(engine: sa.Engine, digest: str) -> InvitationLink | None:
    """Return the link with this digest, ended or not."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(invitation_links).where(invitation_links.c.digest == digest)).first()
    return None if row is None else InvitationLink(**row._mapping)


def find(engine: sa.Engine, id: str) -> Invitation | None:
    """Return an invitation by its id."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(invitations).where(invitations.c.id == id)).first()
    return None if row is None else _invitation(row)


def find_by_onboarding(engine: sa.Engine, onboarding_id: str) -> Invitation | None:
    """Return the invitation that a consent belongs to; None if it belongs to none."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(invitations).where(invitations.c.onboarding_id == onboarding_id)).first()
    return None if row is None else _invitation(row)


def find_all(engine: sa.Engine, *, tenant: str | None = None) -> list[Invitation]:
    """Return the invitations, of one tenant or of all, newest first."""
    query = sa.select(invitations).order_by(invitations.c.created_at.desc(), invitations.c.id)
    if tenant is not None:
        query = query.where(invitations.c.tenant == tenant)
    with engine.connect() as connection:
        return [_invitation(row) for row in connection.execute(query)]


def history(engine: sa.Engine, id: str) -> list[StateChange]:
    """Return the states that an invitation went through, oldest first."""
    columns = (invitation_events.c.state, invitation_events.c.at, invitation_events.c.actor)
    query = sa.select(*columns).where(invitation_events.c.invitation_id == id).order_by(invitation_events.c.id)
    with engine.connect() as connection:
        return [StateChange(**row._mapping) for row in connection.execute(query)]


def change_state(
    engine: sa.Engine, id: str, state: str, *, among: Collection[str], actor: str, now: dt.datetime, **values: Any
) -> bool:
    """Set the state and other columns if the current state is `among` these, and write the change to the history;
    otherwise change nothing and return False."""
    change = invitations.update().where(invitations.c.id == id, invitations.c.state.in_(list(among)))
    with engine.begin() as connection:
        if not connection.execute(change.values(state=state, state_at=now, **values)).rowcount:
            return False
        _add_event(connection, id, state, actor=actor, now=now)
    return True


def update(engine: sa.Engine, id: str, **values: Any) -> None:
    """Change columns other than the state."""
    with engine.begin() as connection:
        connection.execute(invitations.update().where(invitations.c.id == id).values(**values))


def claim(engine: sa.Engine, id: str, onboarding_id: str, *, expected: str | None, browser: str) -> bool:
    """Record the consent that an invitation leads to; return False when another consent used it meanwhile.
    `expected`: the onboarding that may be replaced, None before the first consent."""
    is_free = (
        invitations.c.onboarding_id.is_(None) if expected is None else invitations.c.onboarding_id == expected
    )
    change = invitations.update().where(invitations.c.id == id, is_free)
    with engine.begin() as connection:
        return bool(
            connection.execute(change.values(onboarding_id=onboarding_id, browser=browser, way="sign_in")).rowcount
        )


def _add_event(connection: sa.Connection, id: str, state: str, *, actor: str, now: dt.datetime) -> None:
    connection.execute(invitation_events.insert().values(invitation_id=id, state=state, at=now, actor=actor))


def _invitation(row: sa.Row[Any]) -> Invitation:
    return Invitation(**{**row._mapping, "kinds": tuple(row.kinds)})
