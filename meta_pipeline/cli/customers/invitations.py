"""Create, list, revoke and re-issue invitations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.inviting.alerting import send_invitation_alerts
from meta_pipeline.flows.inviting.issuing import IssuedLink
from meta_pipeline.flows.inviting.shares import check_shares
from meta_pipeline.invitations.states import parse_life
from meta_pipeline.store.people import invitations

_ACTOR = "the command line"
COLUMNS = ("id", "tenant", "state", "state_at", "ends_at", "node_kinds", "language", "created_at")


def create(
    runtime: Runtime, tenant: str, *, kinds: Sequence[str], language: str, expires: str
) -> dict[str, object]:
    """Create an invitation; return it with its link."""
    issued = issuing.invite(
        tenant, kinds=list(dict.fromkeys(kinds)), language=language, life=parse_life(expires), actor=_ACTOR,
        intake=runtime.intake, engine=runtime.engine, public_url=runtime.settings.public_url, now=runtime.now(),
    )
    return _as_json(issued)


def reissue(runtime: Runtime, id: str) -> dict[str, object]:
    """Issue a new link; return the invitation with it."""
    return _as_json(
        issuing.reissue(
            id, actor=_ACTOR, engine=runtime.engine, public_url=runtime.settings.public_url, now=runtime.now()
        )
    )


def revoke(runtime: Runtime, id: str) -> str:
    """Revoke an invitation; return a sentence."""
    invitation = issuing.revoke(id, actor=_ACTOR, engine=runtime.engine, now=runtime.now())
    return f"invitation {id} of {invitation.tenant} is revoked: its link no longer works"


def rows(runtime: Runtime, tenant: str | None) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Return the invitations as a table, newest first."""
    return COLUMNS, [
        (
            each.id, each.tenant, each.state, each.state_at, each.ends_at, ", ".join(each.kinds), each.language,
            each.created_at,
        )
        for each in invitations.find_all(runtime.engine, tenant=tenant)
    ]


def log(runtime: Runtime, id: str) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Return the states of an invitation as a table, oldest first."""
    issuing.get(runtime.engine, id)
    return ("at", "state", "through"), [
        (change.at, change.state, change.actor) for change in invitations.history(runtime.engine, id)
    ]


def check(runtime: Runtime) -> list[str]:
    """Check the shares that are due, and send the alerts that are due; return a sentence for each problem."""
    _, problems = check_shares(
        intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
        engine=runtime.engine, now=runtime.now(),
    )
    _, undelivered = send_invitation_alerts(
        runtime.alert_targets, intake=runtime.intake, engine=runtime.engine,
        public_url=runtime.settings.public_url, now=runtime.now(),
    )
    return [*problems, *undelivered]


def _as_json(issued: IssuedLink) -> dict[str, object]:
    invitation = issued.invitation
    return {
        "id": invitation.id, "url": issued.url, "tenant": invitation.tenant, "state": invitation.state,
        "node_kinds": list(invitation.kinds), "language": invitation.language,
        "expires_at": invitation.ends_at.isoformat(),
    }
