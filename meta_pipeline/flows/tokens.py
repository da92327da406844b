"""The life of the tokens in the vault: inspected daily, exchanged before they end, retired when Meta says so, and told
about in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert, due
from meta_pipeline.alerts.targets import Target
from meta_pipeline.consent import oauth
from meta_pipeline.consent.oauth import DeadTokenError
from meta_pipeline.flows.overview import phase_asked
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.linker import links
from meta_pipeline.records import AccessToken, MetaPipelineError, TokenRef
from meta_pipeline.store import access, alerts, grants
from meta_pipeline.vault.health import DEATHS, DISCONNECTED, EXCHANGE_DAYS, WITH_PARENT, Clicks
from meta_pipeline.vault.vault import Vault

EXPIRED = 463


def bury(
    token: AccessToken, error: TokenError, *, graph: GraphClient, tokens: Vault, now: dt.datetime
) -> bool:
    """A token that a call was refused with is retired, when `debug_token` calls it dead as well; whether it was."""
    if token.ref is None:
        return False
    if tokens.ref(token.ref).retired_at is not None:  # another call found out before: no call says more
        return True
    try:
        facts = oauth.inspect(token, graph=graph)
    except DeadTokenError as dead:
        retire(token.ref, error.subcode or dead.subcode, tokens=tokens)
        return True
    except MetaPipelineError:
        return False
    if facts.data_access_expires_at is not None and facts.data_access_expires_at <= now:
        retire(token.ref, error.subcode, tokens=tokens)
        return True
    return False


def retire(ref_id: str, subcode: int | None, *, tokens: Vault) -> set[str]:
    """The token is not used again, nor are the Page tokens that died with it; which those are."""
    gone = {ref_id}
    if DEATHS.get(subcode, DEATHS[None]).takes_pages:
        gone |= {ref.id for ref in tokens.refs() if ref.parent_ref == ref_id}
    for one in gone:
        because = WITH_PARENT if one != ref_id else f"190/{subcode}" if subcode else "190"
        tokens.retire(one, because, subcode=subcode)
    return gone


def check(*, graph: GraphClient, tokens: Vault, now: dt.datetime) -> list[str]:
    """Every token is inspected (Meta does not announce that one is dead) and exchanged when its end is near; a
    sentence for each that could not be."""
    troubles, gone = [], set[str]()
    for ref in sorted(tokens.refs(), key=lambda ref: ref.parent_ref is not None):  # people before their Pages
        if ref.id in gone:
            continue
        try:
            gone |= check_one(ref, graph=graph, tokens=tokens, now=now)
        except MetaPipelineError as error:
            troubles.append(f"the token of {ref.subject_name} ({ref.kind}) could not be checked: {error}")
    return troubles


def check_one(ref: TokenRef, *, graph: GraphClient, tokens: Vault, now: dt.datetime) -> set[str]:
    """One token is inspected, and exchanged when its end is near; the tokens that turned out dead."""
    if ref.expires_at is not None and ref.expires_at <= now:
        return retire(ref.id, EXPIRED, tokens=tokens)
    token = tokens.reveal(ref.id, flow="check_tokens")
    try:
        facts = oauth.inspect(token, graph=graph)
    except DeadTokenError as dead:
        return retire(ref.id, dead.subcode, tokens=tokens)
    tokens.inspected(
        ref.id, scopes=facts.scopes, expires_at=facts.expires_at, data_access_expires_at=facts.data_access_expires_at
    )
    if is_due_for_exchange(ref.kind, facts.expires_at, now=now):
        longer = oauth.exchange_long_lived(token, graph=graph)
        facts = oauth.inspect(longer, graph=graph)
        tokens.keep(
            longer, subject_id=ref.subject_id, subject_name=ref.subject_name, scopes=facts.scopes,
            expires_at=facts.expires_at, data_access_expires_at=facts.data_access_expires_at,
            parent_ref=ref.parent_ref,
        )
    return set()


def is_due_for_exchange(kind: str, expires_at: dt.datetime | None, *, now: dt.datetime) -> bool:
    """Whether a token ends soon and can be exchanged for one that ends later."""
    return (
        kind in ("user", "system_user") and expires_at is not None
        and expires_at - now <= dt.timedelta(days=EXCHANGE_DAYS)
    )


def disconnect(ref_id: str, *, graph: GraphClient, tokens: Vault) -> str | None:
    """Meta is asked to forget the consent; whatever it answers, the token and the Page tokens that came through it are
    not used again. What Meta said when it refused."""
    told = None
    ref = tokens.ref(ref_id)
    if ref.retired_at is None:
        try:
            oauth.revoke(tokens.reveal(ref_id, flow="disconnect"), graph=graph)
        except MetaPipelineError as error:
            told = str(error)
    for other in tokens.refs():
        if ref_id in (other.id, other.parent_ref):
            tokens.retire(other.id, DISCONNECTED)
    return told


def alert(
    targets: Sequence[Target], *, engine: sa.Engine, tokens: Vault, clicks: Clicks, now: dt.datetime
) -> tuple[list[Alert], list[str]]:
    """Every target is told what it does not know yet; what was told, and why a target could not be."""
    for ref in tokens.refs():  # a token whose time is over is dead, whoever says so first
        if ref.expires_at is not None and ref.expires_at <= now:
            retire(ref.id, EXPIRED, tokens=tokens)
    refs, given, known = tokens.refs(retired=True), grants.latest(engine), alerts.told(engine)
    phases = {ref.id: phase_asked(ref, given.get(ref.id)) for ref in refs}
    untold = [
        (one, missing) for one in due(refs, now=now, clicks=clicks, phases=phases)
        if (missing := [target for target in targets if (one.key, target.name) not in known])
    ]
    if not untold:  # what is dead stays due: every look but the first ends here
        return [], []
    names, usable = {link.id: link.name for link in links.known(engine)}, access.usable(engine)
    told, troubles = [], []
    for one, missing in untold:
        whose = {ref.id for ref in refs if {ref.id, ref.parent_ref} & set(one.token_refs)}
        nodes = {node for ref_id in whose for node in access.nodes_of(engine, ref_id)}
        stopped = access.stopped_by(whose, usable, [node for node in names if node in nodes])
        full = one.about([names[node] or node for node in stopped])
        is_new = False
        for target in missing:
            try:
                target.deliver(full)
            except MetaPipelineError as error:
                troubles.append(str(error))
                continue
            alerts.note(engine, one.key, target.name, full.text, now=now)
            is_new = True
        if is_new:
            told.append(full)
    return told, troubles
