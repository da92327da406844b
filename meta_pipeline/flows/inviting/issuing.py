"""Issue, reissue and revoke invitations, and record the answers that need no call to Meta."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.invitations import due, links, states
from meta_pipeline.invitations.findings import DEFAULT_KINDS
from meta_pipeline.invitations.states import ANSWERED, FOLLOWERS, UNANSWERED, State
from meta_pipeline.invitations.texts.wording import check_language
from meta_pipeline.records import ConfigError
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation

CUSTOMER = "the customer"


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """An invitation and the link that opens it, which is shown once."""

    invitation: Invitation
    url: str


def invite(
    tenant_name: str, *, kinds: Sequence[str] = (), language: str, life: dt.timedelta, actor: str, intake: Intake,
    engine: sa.Engine, public_url: str, now: dt.datetime,
) -> IssuedLink:
    """Create an invitation for a tenant. Without `kinds`, the intake decides. Raise ConfigError for a tenant that the
    intake does not name, or a language without texts."""
    tenant = tenant_of(intake, tenant_name)
    id, ends_at = links.new_invitation_id(), now + life
    invitations.record(
        engine, id, tenant=tenant.name, kinds=list(kinds) or default_kinds(tenant), language=check_language(language),
        actor=actor, now=now, ends_at=ends_at,
    )
    return _issue(engine, id, is_status=False, public_url=public_url, now=now, ends_at=ends_at)


def default_kinds(tenant: Tenant) -> list[str]:
    """Return the kinds of nodes that the intake names for a tenant; DEFAULT_KINDS if it names none."""
    named = set(tenant.kinds.values()) | {"ad_account" for id in tenant.nodes if id.startswith("act_")}
    order = (*DEFAULT_KINDS, "pixel", "catalog")
    return [kind for kind in order if kind in named] if tenant.kinds else list(DEFAULT_KINDS)


def reissue(id: str, *, actor: str, engine: sa.Engine, public_url: str, now: dt.datetime) -> IssuedLink:
    """Issue a new link, and end the earlier one. After the customer has answered, it opens the status page."""
    invitation = get(engine, id)
    if invitation.state == "revoked":
        raise ConfigError(f"invitation {id} was revoked: create another one with `meta-pipeline invite`")
    if invitation.state in (*ANSWERED, "signed_in"):
        return _issue(engine, id, is_status=True, public_url=public_url, now=now, ends_at=now + links.STATUS_LIFE)
    ends_at = now + (invitation.ends_at - invitation.created_at)
    invitations.update(engine, id, ends_at=ends_at)
    if invitation.state in ("lapsed", "declined"):
        move(engine, id, "created", actor=actor, now=now)
    return _issue(engine, id, is_status=False, public_url=public_url, now=now, ends_at=ends_at)


def revoke(id: str, *, actor: str, engine: sa.Engine, now: dt.datetime) -> Invitation:
    """Revoke an invitation: its link no longer works, and its share is no longer checked."""
    get(engine, id)
    move(engine, id, "revoked", actor=actor, now=now, next_check_at=None)
    return get(engine, id)


def decline(invitation: Invitation, *, engine: sa.Engine, now: dt.datetime) -> bool:
    """Record that the customer does not want to share; return whether the state changed."""
    return move(engine, invitation.id, "declined", actor=CUSTOMER, now=now)


def mark_shared(invitation: Invitation, *, browser: str, engine: sa.Engine, now: dt.datetime) -> bool:
    """Record the customer's statement that they have shared as a partner; the share is checked at once."""
    values = {"way": "partner", "browser": browser, "next_check_at": now, "checks": 0}
    return move(engine, invitation.id, "waiting_for_meta", actor=CUSTOMER, now=now, **values)


def mark_opened(invitation: Invitation, *, engine: sa.Engine, now: dt.datetime) -> Invitation:
    """Record that a link was opened, or that it was opened too late; return the updated invitation."""
    if list(due.lapsed([invitation], now=now)):
        move(engine, invitation.id, "lapsed", actor="the end of the link", now=now)
    elif invitation.state == "created":
        move(engine, invitation.id, "opened", actor=CUSTOMER, now=now)
    return get(engine, invitation.id)


def lapse(*, engine: sa.Engine, now: dt.datetime) -> list[Invitation]:
    """End the invitations that were not answered in time, and return them."""
    ended = list(due.lapsed(invitations.find_all(engine), now=now))
    return [each for each in ended if move(engine, each.id, "lapsed", actor="the end of the link", now=now)]


def move(engine: sa.Engine, id: str, state: State, *, actor: str, now: dt.datetime, **values: object) -> bool:
    """Set the state if it may follow the current one; return whether it was set."""
    among = [name for name, followers in FOLLOWERS.items() if state in followers]
    return invitations.change_state(engine, id, state, among=among, actor=actor, now=now, **values)


def get(engine: sa.Engine, id: str) -> Invitation:
    """Return an invitation; raise ConfigError if it does not exist."""
    invitation = invitations.find(engine, id)
    if invitation is None:
        raise ConfigError(f"there is no invitation {id[:40]!r}: `meta-pipeline invite list` shows them")
    return invitation


def tenant_of(intake: Intake, name: str) -> Tenant:
    """Return a tenant of the intake; raise ConfigError, which lists the tenants, for an unknown name."""
    tenant = intake.tenant(name)
    if tenant is None:
        names = ", ".join(each.name for each in intake.tenants[:20]) or "none: set META_PIPELINE_TENANTS"
        raise ConfigError(f"the intake has no tenant {name[:80]!r}: there are {names}")
    return tenant


def url_of(public_url: str, text: str) -> str:
    """Return the address of a link."""
    return f"{public_url.rstrip('/')}/invitations/{text}"


def is_open(invitation: Invitation, *, now: dt.datetime) -> bool:
    """Return whether the customer may still answer through the link."""
    answerable: Collection[State] = (*UNANSWERED, "declined")
    return invitation.state in answerable and now < invitation.ends_at


def state_words(invitation: Invitation) -> str:
    """Return the state in words."""
    return states.WORDS[invitation.state]  # type: ignore[index]


def _issue(
    engine: sa.Engine, id: str, *, is_status: bool, public_url: str, now: dt.datetime, ends_at: dt.datetime
) -> IssuedLink:
    text = links.issue(engine, id, is_status=is_status, now=now, ends_at=ends_at)
    return IssuedLink(get(engine, id), url_of(public_url, text))
