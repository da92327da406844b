"""From an incoming token to links: seal it, exchange it, identify its owner, record the grant, discover its nodes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

import sqlalchemy as sa

from meta_pipeline.consent import oauth
from meta_pipeline.consent.scopes import missing_scopes, scopes_for, scopes_for_kinds
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.extract import first_look as sampling
from meta_pipeline.flows.connections import relinking
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.request import CallContext
from meta_pipeline.records import AccessToken, Grant, MetaPipelineError, NodeLink, TokenRef
from meta_pipeline.store.connections import access, grants, onboardings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.connections.onboardings import Onboarding
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.people import invitations, reconnect_links
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.vault.vault import Vault

# A user token with less than this left is a short-lived one: 1–2 h against 60 days (docs/graph-api.md §4.2).
SHORT_LIVED = dt.timedelta(days=1)
TOO_LATE = "the pipeline did not run within an hour, and the access that was given has ended: connect again"
# How `step` begins after an error of Meta that passes.
RETRYING = "a call to Meta failed and will be retried"
# Reading anything needs at least one of these.
ESSENTIAL = frozenset({"ads_read", "ads_management", "pages_show_list"})


def accept_token(
    token: AccessToken,
    *,
    phase: int,
    through: str,
    browser: str | None = None,
    holder: str | None = None,
    reconnect_link: str | None = None,
    invitation: Invitation | None = None,
    tokens: Vault,
    engine: sa.Engine,
    now: dt.datetime,
) -> str:
    """Seal a token and queue its onboarding; return the onboarding's id. Meta is not called: a failed call would lose
    the token. `reconnect_link`: the digest of the link that this consent uses; `invitation`: the one that it
    answers. Raise ConsentError if either was used before."""
    id = onboardings.new_id()
    if reconnect_link and not reconnect_links.use(engine, reconnect_link, id):
        raise ConsentError("state_reused", "this link was used before: ask for a new one")
    if invitation is not None and not invitations.claim(
        engine, invitation.id, id, expected=invitation.onboarding_id, browser=browser or ""
    ):
        raise ConsentError("state_reused", "this invitation was used before: ask for a new link")
    tokens.keep_incoming(token, id)
    onboardings.start(engine, id, phase=phase, through=through, browser=browser, holder=holder, now=now)
    return id


def onboard(
    id: str,
    *,
    graph: GraphClient,
    tokens: Vault,
    engine: sa.Engine,
    features: Collection[str] = (),
    now: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
    run_id: str | None = None,
) -> list[NodeLink]:
    """Turn a sealed token into links. A second run, or one after a kill, ends with the same result. A retryable error
    leaves the onboarding waiting for another try; any other error ends it and deletes the token."""
    with leases.hold(engine, f"onboarding/{id}", now=now, sleep=sleep):
        onboarding = onboardings.get(engine, id)
        if onboarding is None:
            raise ConsentError("invalid_request", f"there is no onboarding {id}: connect again")
        if onboarding.is_ended:
            return list_links(engine)
        onboardings.update(engine, id, status="running", holder=identity(), run_id=run_id)
        try:
            ref = tokens.ref(onboarding.token_ref) if onboarding.token_ref else _keep_token(
                onboarding, features=features, graph=graph, tokens=tokens, engine=engine, now=now()
            )
            return _link(onboarding, ref, features=features, graph=graph, tokens=tokens, engine=engine, now=now())
        except MetaPipelineError as error:
            if error.retryable:
                step = f"{RETRYING}: {error}"
                onboardings.update(engine, id, status="waiting", holder=None, step=step)
            else:
                fail(engine, id, str(error), tokens=tokens, now=now())
            raise


def fail(engine: sa.Engine, id: str, reason: str, *, tokens: Vault, now: dt.datetime) -> None:
    """End an onboarding as failed; delete its incoming token. A token that is stored under its owner stays."""
    tokens.delete(id)
    onboardings.update(engine, id, status="failed", reason=reason, ended_at=now)


def first_look(
    id: str, links: Iterable[NodeLink], *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> list[dict[str, Any]]:
    """Read yesterday of one ad account and one Page through a new connection; return a sample of each, with its figures
    or the error."""
    samples, links, usable = [], list(links), access.usable_by_node(engine)
    for kind, read in (("ad_account", sampling.ad_account), ("page", sampling.page)):
        link = next((link for link in links if link.kind == kind and link.id in usable), None)
        if link is None:
            continue
        onboardings.update(engine, id, step=f"reading yesterday of {link.name or link.id}")
        yesterday = link.today(now) - dt.timedelta(days=1)
        sample: dict[str, Any] = {"node_id": link.id, "name": link.name or link.id, "day": str(yesterday)}
        try:
            token = tokens.reveal_for(link.id, flow="first_look")
            sample["figures"] = read(link.id, yesterday, graph=graph.on(CallContext(node_id=link.id)), token=token)
        except MetaPipelineError as error:
            sample["trouble"] = str(error)
        samples.append(sample)
    onboardings.add_result(engine, id, samples=samples)
    return samples


def fail_abandoned(*, tokens: Vault, engine: sa.Engine, now: dt.datetime) -> None:
    """End the onboardings that no process ran while their token could be exchanged; delete their tokens."""
    for onboarding in onboardings.find_abandoned(engine, now=now):
        fail(engine, onboarding.id, TOO_LATE, tokens=tokens, now=now)


def requeue(engine: sa.Engine, id: str, step: str) -> None:
    """Leave the rest of an onboarding to another process, unless it has ended."""
    onboarding = onboardings.get(engine, id)
    if onboarding is not None and not onboarding.is_ended:
        onboardings.update(engine, id, status="waiting", holder=None, step=step)


def finish(engine: sa.Engine, id: str, *, now: dt.datetime) -> None:
    """End an onboarding as done."""
    onboardings.update(engine, id, status="done", step="done", ended_at=now)


def _keep_token(
    onboarding: Onboarding,
    *,
    features: Collection[str],
    graph: GraphClient,
    tokens: Vault,
    engine: sa.Engine,
    now: dt.datetime,
) -> TokenRef:
    """Exchange the incoming token for a long-lived one if it is short-lived, and store it under its owner."""
    onboardings.update(engine, onboarding.id, step="asking Meta who connected")
    token = tokens.reveal(onboarding.id, flow="onboarding")
    inspection = oauth.inspect(token, graph=graph)
    invited = reconnect_links.invited_subject(engine, onboarding.id)
    if invited is not None and invited != inspection.user_id:
        raise ConsentError(
            "access_denied", "this link was sent to somebody else: log in to Facebook as the person it was sent to, "
            "or ask for your own link",
        )
    if not ESSENTIAL & set(inspection.scopes):
        raise ConsentError(
            "invalid_scope", "neither the permission to read ad accounts (ads_read) nor the one to list Pages "
            "(pages_show_list) was granted: grant one of them and connect again",
        )
    if inspection.kind == "user" and inspection.expires_at is not None and inspection.expires_at - now < SHORT_LIVED:
        onboardings.update(engine, onboarding.id, step="asking Meta for access that lasts 60 days")
        token = oauth.exchange_long_lived(AccessToken(kind="user", value=token.value), graph=graph)
        inspection = oauth.inspect(token, graph=graph)
    token = AccessToken(kind=inspection.kind, value=token.value)
    person = graph.get("me", {"fields": "id,name"}, token=token, kind=CallKind.IDENTITY).object
    name = str(person.get("name", inspection.user_id))
    declined = oauth.declined(token, graph=graph)
    ref = tokens.keep(
        token, subject_id=inspection.user_id, subject_name=name, scopes=inspection.scopes,
        expires_at=inspection.expires_at, data_access_expires_at=inspection.data_access_expires_at,
    )
    grants.record(
        engine,
        Grant(
            token_ref=ref.id, subject_id=inspection.user_id, subject_name=name, phase=onboarding.phase,
            requested=_requested(onboarding, features, engine), granted=tuple(sorted(inspection.scopes)),
            declined=declined, through=onboarding.through, granted_at=now,
        ),
    )
    onboardings.update(engine, onboarding.id, token_ref=ref.id)
    tokens.delete(onboarding.id)
    return ref


def _requested(onboarding: Onboarding, features: Collection[str], engine: sa.Engine) -> tuple[str, ...]:
    """Return the permissions that the dialog requested; for an invitation, those of the kinds that it requests."""
    invitation = invitations.find_by_onboarding(engine, onboarding.id)
    if invitation is None:
        return scopes_for(onboarding.phase, features)
    return tuple(scope.name for scope in scopes_for_kinds(invitation.kinds, features))


def _link(
    onboarding: Onboarding,
    ref: TokenRef,
    *,
    features: Collection[str],
    graph: GraphClient,
    tokens: Vault,
    engine: sa.Engine,
    now: dt.datetime,
) -> list[NodeLink]:
    missing = missing_scopes(ref.scopes, max(onboarding.phase, 1), features)
    onboardings.add_result(
        engine, onboarding.id, name=ref.subject_name, kind=ref.kind, granted=list(ref.scopes),
        missing=[[scope.name, scope.needed_for] for scope in missing],
    )
    onboardings.update(engine, onboarding.id, step="looking for ad accounts, Pages and Instagram accounts")
    discovery = relinking.relink(ref, graph=graph, tokens=tokens, engine=engine, now=now)
    onboardings.add_result(
        engine, onboarding.id, nodes=dict(Counter(link.kind for link in discovery.links)), not_read=discovery.unread
    )
    onboardings.update(engine, onboarding.id, step="setting up the daily collection")
    return list(discovery.links)
