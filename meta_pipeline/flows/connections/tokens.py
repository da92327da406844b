"""The life of the tokens in the vault: inspected daily, exchanged before they end, retired when Meta says that they are
invalid, and reported in time."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert, due
from meta_pipeline.alerts.targets import Target
from meta_pipeline.consent import oauth, reconnect_link
from meta_pipeline.consent.oauth import DeadTokenError
from meta_pipeline.consent.scopes import requested_phase
from meta_pipeline.display import printable
from meta_pipeline.flows.deliveries import deliver_to_each
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.records import AccessToken, MetaPipelineError, TokenRef
from meta_pipeline.status.action_links import ActionLinks
from meta_pipeline.status.token_health import DISCONNECTED, EXCHANGE_DAYS, WITH_PARENT, invalidation
from meta_pipeline.store.connections import access, alerts, grants
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.vault.vault import Vault

EXPIRED = 463  # the subcode of 190 for a token that has expired


def retire_if_invalid(
    token: AccessToken, error: TokenError, *, graph: GraphClient, tokens: Vault, now: dt.datetime
) -> bool:
    """Retire the token of a refused call if `debug_token` also reports it as invalid; return whether it is retired
    now."""
    if token.ref is None:
        return False
    if tokens.ref(token.ref).retired_at is not None:  # after another call: `debug_token` need not be called again
        return True
    try:
        inspection = oauth.inspect(token, graph=graph)
    except DeadTokenError as dead:
        retire(token.ref, error.subcode or dead.subcode, tokens=tokens)
        return True
    except MetaPipelineError:
        return False
    if inspection.data_access_expires_at is not None and inspection.data_access_expires_at <= now:
        retire(token.ref, error.subcode, tokens=tokens)
        return True
    return False


def retire(ref_id: str, subcode: int | None, *, tokens: Vault) -> set[str]:
    """Retire a token and the Page tokens that became invalid with it; return their refs."""
    retired = {ref_id}
    if invalidation(subcode).takes_pages:
        retired |= {ref.id for ref in tokens.refs(replaced=True) if ref.parent_ref == ref_id}
    for token_ref in retired:
        reason = WITH_PARENT if token_ref != ref_id else f"190/{subcode}" if subcode else "190"
        tokens.retire(token_ref, reason, subcode=subcode)
    tokens.erase_retired()
    return retired


def check_tokens(*, graph: GraphClient, tokens: Vault, now: dt.datetime) -> list[str]:
    """Inspect every token (Meta does not announce that one became invalid) and exchange those that expire soon; return
    a sentence for each that could not be checked."""
    problems, retired = [], set[str]()
    refs = tokens.refs(replaced=True)
    for ref in sorted(refs, key=lambda ref: ref.parent_ref is not None):  # people before their Pages
        if ref.id in retired:
            continue
        try:
            retired |= check_token(ref, graph=graph, tokens=tokens, now=now)
        except MetaPipelineError as error:
            problems.append(f"the token of {ref.subject_name} ({ref.kind}) could not be checked: {error}")
    return problems


def check_token(ref: TokenRef, *, graph: GraphClient, tokens: Vault, now: dt.datetime) -> set[str]:
    """Inspect one token, and exchange it if it expires soon; return the refs of the tokens that were retired. A system
    user's earlier token is kept beside the new one until it expires."""
    if ref.expires_at is not None and ref.expires_at <= now:
        return retire(ref.id, EXPIRED, tokens=tokens)
    token = tokens.reveal(ref.id, flow="check_tokens")
    try:
        inspection = oauth.inspect(token, graph=graph)
    except DeadTokenError as dead:
        return retire(ref.id, dead.subcode, tokens=tokens)
    tokens.record_inspection(
        ref.id, scopes=inspection.scopes, expires_at=inspection.expires_at,
        data_access_expires_at=inspection.data_access_expires_at,
    )
    is_newest = ref.replaced_by is None or tokens.ref(ref.replaced_by).retired_at is not None
    if is_newest and is_due_for_exchange(ref.kind, inspection.expires_at, now=now):
        exchanged = oauth.exchange_long_lived(token, graph=graph)
        inspection = oauth.inspect(exchanged, graph=graph)
        if ref.kind == "system_user" and ref.replaced_by is None:  # Meta may end a person's earlier one any time
            tokens.keep_beside(ref)
        tokens.keep(
            exchanged, subject_id=ref.subject_id, subject_name=ref.subject_name, scopes=inspection.scopes,
            expires_at=inspection.expires_at, data_access_expires_at=inspection.data_access_expires_at,
            parent_ref=ref.parent_ref,
        )
    return set()


def is_due_for_exchange(kind: str, expires_at: dt.datetime | None, *, now: dt.datetime) -> bool:
    """Return whether a token expires soon and can be exchanged for one that expires later."""
    return (
        kind in ("user", "system_user") and expires_at is not None
        and expires_at - now <= dt.timedelta(days=EXCHANGE_DAYS)
    )


@dataclass(frozen=True, slots=True)
class Disconnection:
    """The result of disconnecting a token: `outcome` says what Meta did, `reason` why it refused or why it was not
    called."""

    ref: TokenRef
    outcome: Literal["revoked", "refused", "not asked"]
    reason: str = ""

    @property
    def sentence(self) -> str:
        """Return the outcome as a sentence for people."""
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
            "Meta was not called"
        )


def disconnect(ref_id: str, *, graph: GraphClient, tokens: Vault) -> Disconnection:
    """Ask Meta to revoke the consent. Delete the token and the Page tokens through it, even if Meta refuses."""
    ref = tokens.ref(ref_id)
    if ref.retired_at is not None:
        disconnection = Disconnection(ref, "not asked", ref.retired_because or "")
    else:
        try:
            replaced = [each.id for each in tokens.refs(replaced=True) if each.replaced_by == ref_id]
            for revoked in (ref_id, *replaced):
                oauth.revoke(tokens.reveal(revoked, flow="disconnect"), graph=graph)
            disconnection = Disconnection(ref, "revoked")
        except MetaPipelineError as error:
            disconnection = Disconnection(ref, "refused", str(error))
    for other in tokens.refs(retired=True, replaced=True):
        if ref_id in (other.id, other.parent_ref, other.replaced_by) and not tokens.retire(other.id, DISCONNECTED):
            tokens.replace_reason(other.id, DISCONNECTED)
    tokens.erase_retired()
    return disconnection


def send_alerts(
    targets: Sequence[Target],
    *,
    engine: sa.Engine,
    tokens: Vault,
    action_links: ActionLinks,
    signing_key: str | None,
    now: dt.datetime,
) -> tuple[list[Alert], list[str]]:
    """Deliver to each target the alerts that it has not received yet; return the alerts that were delivered, and a
    sentence for each delivery that failed. `signing_key` signs reconnect links; without one, none is sent."""
    for ref in tokens.refs(replaced=True):  # a token that has expired is invalid, whether Meta has said so or not
        if ref.expires_at is not None and ref.expires_at <= now:
            retire(ref.id, EXPIRED, tokens=tokens)
    refs, latest_grants, received = tokens.refs(retired=True), grants.latest(engine), alerts.delivered(engine)
    phases = {ref.id: requested_phase(ref, latest_grants.get(ref.id)) for ref in refs}
    pending = [
        (alert, missing)
        for alert in due(refs, now=now, action_links=action_links, phases=phases, grants=latest_grants)
        if (missing := [target for target in targets if (alert.key, target.name) not in received])
    ]
    if not pending:  # an alert about an invalid token stays due, so later calls usually end here
        return [], []
    links, usable = {link.id: link for link in list_links(engine)}, access.usable_by_node(engine)
    delivered: list[Alert] = []
    problems: list[str] = []
    for alert, missing in pending:
        token_refs = {ref.id for ref in refs if {ref.id, ref.parent_ref} & set(alert.token_refs)}
        nodes = {node for ref_id in token_refs for node in access.nodes_of(engine, ref_id)}
        affected = [
            id for id, link in links.items() if id in nodes and (not alert.kinds or link.kind in alert.kinds)
        ]
        stopped = access.nodes_stopped_by(token_refs, usable, affected)
        alert = alert.about([links[id].name or id for id in stopped])
        deliver = functools.partial(
            _deliver, person=_person_of(alert, refs), engine=engine, action_links=action_links,
            signing_key=signing_key, now=now,
        )
        is_delivered, failed = deliver_to_each(alert, missing, engine=engine, now=now, deliver=deliver)
        problems += failed
        if is_delivered:
            delivered.append(alert)
    return delivered, problems


def _person_of(alert: Alert, refs: Sequence[TokenRef]) -> TokenRef | None:
    """Return the token of the person an alert is about; None for a system user, who can't click a link."""
    by_id = {ref.id: ref for ref in refs}
    ref = by_id.get(alert.token_refs[0])
    owner = by_id.get(ref.parent_ref) if ref is not None and ref.parent_ref else ref
    return owner if owner is not None and owner.kind == "user" else None


def _deliver(
    alert: Alert,
    target: Target,
    *,
    person: TokenRef | None,
    engine: sa.Engine,
    action_links: ActionLinks,
    signing_key: str | None,
    now: dt.datetime,
) -> None:
    """Deliver the alert. A target that reaches people receives it with a reconnect link, valid for 72 hours."""
    if not (action_links.invites and target.is_personal) or person is None or signing_key is None:
        target.deliver(alert)
        return
    text = reconnect_link.issue(engine, key=signing_key, subject_id=person.subject_id, phase=alert.phase, now=now)
    try:
        target.deliver(alert.linking_to(action_links.reconnect(alert.phase, text)))
    except MetaPipelineError:
        reconnect_link.withdraw(engine, text)
        raise
