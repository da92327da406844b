"""The life of the tokens in the vault: inspected daily, exchanged before they end, retired when Meta says so, and told
about in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert, due
from meta_pipeline.alerts.targets import Target
from meta_pipeline.consent import invitation, oauth
from meta_pipeline.consent.oauth import DeadTokenError
from meta_pipeline.display import printable
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.records import AccessToken, MetaPipelineError, TokenRef
from meta_pipeline.status.overview import phase_asked
from meta_pipeline.status.token_health import DEATHS, DISCONNECTED, EXCHANGE_DAYS, WITH_PARENT, ActionLinks
from meta_pipeline.store import access, alerts, grants
from meta_pipeline.store.node_links import list_links
from meta_pipeline.vault.vault import Vault

EXPIRED = 463


def retire_if_invalid(
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
    tokens.erase_retired()
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


@dataclass(frozen=True, slots=True)
class Disconnection:
    """What became of a token: `outcome` says what Meta did, `reason` why it refused or why nobody asked it."""

    ref: TokenRef
    outcome: Literal["revoked", "refused", "not asked"]
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        name = printable(self.ref.subject_name, limit=100)
        match self.outcome:
            case "revoked":
                return f"{name} is disconnected: Meta has revoked the consent, and the token was deleted here"
            case "refused":
                return (
                    f"{name} is disconnected here and the token was deleted, but Meta did not revoke the consent: "
                    f"{printable(self.reason)}"
                )
        return (
            f"nothing to revoke: the token of {name} was retired earlier ({printable(self.reason)}) and deleted here; "
            "Meta was not asked now"
        )


def disconnect(ref_id: str, *, graph: GraphClient, tokens: Vault) -> Disconnection:
    """Ask Meta to revoke the consent. Whatever it answers, delete the token and the Page tokens through it."""
    ref = tokens.ref(ref_id)
    if ref.retired_at is not None:
        done = Disconnection(ref, "not asked", ref.retired_because or "")
    else:
        try:
            oauth.revoke(tokens.reveal(ref_id, flow="disconnect"), graph=graph)
            done = Disconnection(ref, "revoked")
        except MetaPipelineError as error:
            done = Disconnection(ref, "refused", str(error))
    for other in tokens.refs(retired=True):
        if ref_id in (other.id, other.parent_ref) and not tokens.retire(other.id, DISCONNECTED):
            tokens.relabel(other.id, DISCONNECTED)
    tokens.erase_retired()
    return done


def alert(
    targets: Sequence[Target], *, engine: sa.Engine, tokens: Vault, clicks: ActionLinks, now: dt.datetime
) -> tuple[list[Alert], list[str]]:
    """Every target is told what it does not know yet; what was told, and why a target could not be."""
    for ref in tokens.refs():  # a token whose time is over is dead, whoever says so first
        if ref.expires_at is not None and ref.expires_at <= now:
            retire(ref.id, EXPIRED, tokens=tokens)
    refs, given, known = tokens.refs(retired=True), grants.latest(engine), alerts.delivered(engine)
    phases = {ref.id: phase_asked(ref, given.get(ref.id)) for ref in refs}
    untold = [
        (one, missing) for one in due(refs, now=now, clicks=clicks, phases=phases)
        if (missing := [target for target in targets if (one.key, target.name) not in known])
    ]
    if not untold:  # what is dead stays due: every look but the first ends here
        return [], []
    names, usable = {link.id: link.name for link in list_links(engine)}, access.usable_by_node(engine)
    told, troubles = [], []
    for one, missing in untold:
        whose = {ref.id for ref in refs if {ref.id, ref.parent_ref} & set(one.token_refs)}
        nodes = {node for ref_id in whose for node in access.nodes_of(engine, ref_id)}
        stopped = access.nodes_stopped_by(whose, usable, [node for node in names if node in nodes])
        full = one.about([names[node] or node for node in stopped])
        person = _person_of(one, refs)
        is_new = False
        for target in missing:
            try:
                _deliver(full, target, person, engine=engine, clicks=clicks, now=now)
            except MetaPipelineError as error:
                troubles.append(str(error))
                continue
            alerts.record_delivery(engine, one.key, target.name, full.text, now=now)
            is_new = True
        if is_new:
            told.append(full)
    return told, troubles


def _person_of(alert: Alert, refs: Sequence[TokenRef]) -> TokenRef | None:
    """Return the token of the person an alert is about; None for a system user, who can't click a link."""
    by_id = {ref.id: ref for ref in refs}
    ref = by_id.get(alert.token_refs[0])
    owner = by_id.get(ref.parent_ref) if ref is not None and ref.parent_ref else ref
    return owner if owner is not None and owner.kind == "user" else None


def _deliver(
    alert: Alert, target: Target, person: TokenRef | None, *, engine: sa.Engine, clicks: ActionLinks, now: dt.datetime
) -> None:
    """Deliver the alert; where it reaches people, with a link of its own that lets its person in for 72 hours."""
    if not (clicks.invites and target.is_personal) or person is None:
        target.deliver(alert)
        return
    text = invitation.issue(engine, subject_id=person.subject_id, phase=alert.phase, now=now)
    try:
        target.deliver(alert.linking_to(clicks.invited(alert.phase, text)))
    except MetaPipelineError:
        invitation.withdraw(engine, text)
        raise
