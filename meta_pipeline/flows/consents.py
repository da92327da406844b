"""From a token that has just come in to links: sealed, exchanged, named, granted, discovered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

import sqlalchemy as sa

from meta_pipeline.consent import oauth
from meta_pipeline.consent.scopes import missing_scopes, scopes_for
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.extract import first_look as look
from meta_pipeline.flows.tokens import check_token, retire_if_invalid
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, TokenError
from meta_pipeline.graph.request import CallContext
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery, discover
from meta_pipeline.records import AccessToken, Grant, MetaPipelineError, NodeLink, TokenRef
from meta_pipeline.store import access, grants, invitations, leases, onboardings
from meta_pipeline.store.node_links import list_links
from meta_pipeline.store.onboardings import Onboarding
from meta_pipeline.store.processes import identity
from meta_pipeline.vault.vault import Vault

# A user token that lives shorter than this is a short-lived one: 1–2 h against 60 days (graph-api.md §4.2).
SHORT_LIVED = dt.timedelta(days=1)
TOO_LATE = "the pipeline did not run within an hour, and the access that was given has ended: connect again"
# One of these or nothing can be read.
ESSENTIAL = frozenset({"ads_read", "ads_management", "pages_show_list"})


def accept_token(
    token: AccessToken,
    *,
    phase: int,
    through: str,
    browser: str | None = None,
    holder: str | None = None,
    invitation: str | None = None,
    tokens: Vault,
    engine: sa.Engine,
    now: dt.datetime,
) -> str:
    """The token is sealed and its onboarding waits; the onboarding's id. Nothing is asked of Meta, so nothing can get
    between a token and the vault. `invitation`: digest of the invitation that the consent used up; ConsentError when
    it was used before."""
    id = onboardings.new_id()
    if invitation and not invitations.use(engine, invitation, id):
        raise ConsentError("state_reused", "this invitation was used before: ask for a new one")
    tokens.keep_incoming(token, id)
    onboardings.begin(engine, id, phase=phase, through=through, browser=browser, holder=holder, now=now)
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
    """A sealed token becomes links. Done twice, or gone on with after a kill, it ends the same. Trouble of Meta leaves
    the onboarding waiting for another try; anything else ends it, and nothing of the token is left."""
    with leases.held(engine, f"onboarding/{id}", now=now, sleep=sleep):
        one = onboardings.get(engine, id)
        if one is None:
            raise ConsentError("invalid_request", f"there is no onboarding {id}: connect again")
        if one.is_ended:
            return list_links(engine)
        onboardings.note(engine, id, status="running", holder=identity(), run_id=run_id)
        try:
            ref = tokens.ref(one.token_ref) if one.token_ref else _kept(one, features, graph, tokens, engine, now())
            return _linked(one, ref, features=features, graph=graph, tokens=tokens, engine=engine, now=now())
        except MetaPipelineError as error:
            if error.retryable:
                step = f"Meta has trouble; this is tried again: {error}"
                onboardings.note(engine, id, status="waiting", holder=None, step=step)
            else:
                fail(engine, id, str(error), tokens=tokens, now=now())
            raise


def fail(engine: sa.Engine, id: str, reason: str, *, tokens: Vault, now: dt.datetime) -> None:
    """The onboarding has ended badly; a token that was not kept yet is gone."""
    tokens.delete(id)
    onboardings.note(engine, id, status="failed", reason=reason, ended_at=now)


def first_look(
    id: str, found: Iterable[NodeLink], *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> list[dict[str, Any]]:
    """Yesterday of one ad account and one Page, as a new connection sees them; what is in the way is named."""
    samples, found, usable = [], list(found), access.usable(engine)
    for kind, read in (("ad_account", look.ad_account), ("page", look.page)):
        link = next((link for link in found if link.kind == kind and link.id in usable), None)
        if link is None:
            continue
        onboardings.note(engine, id, step=f"reading yesterday of {link.name or link.id}")
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
    """Onboardings that nobody took on while their token could be exchanged have failed; the token is gone."""
    for one in onboardings.stale(engine, now=now):
        fail(engine, one.id, TOO_LATE, tokens=tokens, now=now)


def requeue(engine: sa.Engine, id: str, step: str) -> None:
    """What is left of an onboarding is for another process."""
    one = onboardings.get(engine, id)
    if one is not None and not one.is_ended:
        onboardings.note(engine, id, status="waiting", holder=None, step=step)


def finish(engine: sa.Engine, id: str, *, now: dt.datetime) -> None:
    """The onboarding has ended well."""
    onboardings.note(engine, id, status="done", step="done", ended_at=now)


def _kept(
    one: Onboarding, features: Collection[str], graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> TokenRef:
    """The token that arrived is exchanged for a long-lived one where it is short-lived, and kept under its owner."""
    onboardings.note(engine, one.id, step="asking Meta who connected")
    token = tokens.reveal(one.id, flow="onboarding")
    facts = oauth.inspect(token, graph=graph)
    invited = invitations.invited_subject(engine, one.id)
    if invited is not None and invited != facts.user_id:
        raise ConsentError(
            "access_denied", "this link was sent to somebody else: log in to Facebook as the person it was sent to, "
            "or ask for a link of your own",
        )
    if not ESSENTIAL & set(facts.scopes):
        raise ConsentError(
            "invalid_scope", "permission was given to read neither ad accounts (ads_read) nor Pages "
            "(pages_show_list): grant one of them and connect again",
        )
    if facts.kind == "user" and facts.expires_at is not None and facts.expires_at - now < SHORT_LIVED:
        onboardings.note(engine, one.id, step="asking Meta for access that lasts 60 days")
        token = oauth.exchange_long_lived(AccessToken(kind="user", value=token.value), graph=graph)
        facts = oauth.inspect(token, graph=graph)
    token = AccessToken(kind=facts.kind, value=token.value)
    person = graph.get("me", {"fields": "id,name"}, token=token, kind=CallKind.IDENTITY).object
    name = str(person.get("name", facts.user_id))
    declined = oauth.declined(token, graph=graph)
    ref = tokens.keep(
        token, subject_id=facts.user_id, subject_name=name, scopes=facts.scopes, expires_at=facts.expires_at,
        data_access_expires_at=facts.data_access_expires_at,
    )
    grants.record(
        engine,
        Grant(
            token_ref=ref.id, subject_id=facts.user_id, subject_name=name, phase=one.phase,
            requested=scopes_for(one.phase, features), granted=tuple(sorted(facts.scopes)), declined=declined,
            through=one.through, granted_at=now,
        ),
    )
    onboardings.note(engine, one.id, token_ref=ref.id)
    tokens.delete(one.id)
    return ref


def _linked(
    one: Onboarding,
    ref: TokenRef,
    *,
    features: Collection[str],
    graph: GraphClient,
    tokens: Vault,
    engine: sa.Engine,
    now: dt.datetime,
) -> list[NodeLink]:
    missing = missing_scopes(ref.scopes, max(one.phase, 1), features)
    onboardings.add_result(
        engine, one.id, name=ref.subject_name, kind=ref.kind, granted=list(ref.scopes),
        missing=[[scope.name, scope.needed_for] for scope in missing],
    )
    onboardings.note(engine, one.id, step="looking for ad accounts, Pages and Instagram accounts")
    found = relink(ref, graph=graph, tokens=tokens, engine=engine, now=now)
    onboardings.add_result(
        engine, one.id, nodes=dict(Counter(link.kind for link in found.links)), not_read=found.unread
    )
    onboardings.note(engine, one.id, step="setting up the daily collection")
    return list(found.links)


def relink(
    ref: TokenRef, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> Discovery:
    """Link what a token of a person or system user reaches now; what it lost is no longer read with it. What lies
    behind an edge that could not be read stays linked: not read is not gone."""
    token = tokens.reveal(ref.id, flow="relink")

    def keep_page_token(page_id: str, page_name: str, token: AccessToken) -> str:
        return tokens.keep(
            token, subject_id=page_id, subject_name=page_name, scopes=ref.scopes, expires_at=None,
            data_access_expires_at=ref.data_access_expires_at, parent_ref=ref.id,
        ).id

    try:
        found = discover(graph=graph, token=token, token_ref=ref.id, keep_page_token=keep_page_token)
    except TokenError as error:
        retire_if_invalid(token, error, graph=graph, tokens=tokens, now=now)
        raise
    links.save(engine, found, through=ref.id, now=now)
    return found


def check(ref_id: str, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime) -> None:
    """One connection is as Meta says it is now: its token, and what it reaches."""
    ref = tokens.ref(ref_id)
    if not check_token(ref, graph=graph, tokens=tokens, now=now):
        relink(tokens.ref(ref_id), graph=graph, tokens=tokens, engine=engine, now=now)


def relink_all(
    *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> tuple[list[NodeLink], list[str]]:
    """Every token's links are what Meta says today; all links found, and a sentence for each token that failed."""
    found: list[NodeLink] = []
    troubles: list[str] = []
    for ref in tokens.refs():
        if ref.kind == "page":
            continue
        try:
            discovery = relink(ref, graph=graph, tokens=tokens, engine=engine, now=now)
            found.extend(discovery.links)
            troubles.extend(f"with the token of {ref.subject_name} {told}" for told in discovery.unread)
        except GraphError as error:
            troubles.append(f"what {ref.subject_name} may read could not be read again: {error}")
    return found, troubles
