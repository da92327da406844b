"""Check the access that an invitation gave: the nodes it reaches, their figures of yesterday, and what is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.consent.scopes import scopes_for_kinds
from meta_pipeline.extract import first_look
from meta_pipeline.flows.connections import relinking
from meta_pipeline.flows.inviting.issuing import move
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.request import CallContext
from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.invitations.due import next_check
from meta_pipeline.invitations.findings import Access, Finding, findings, is_wanted, readable
from meta_pipeline.linker.directions import only_we_share
from meta_pipeline.records import ConfigError, MetaPipelineError, NodeLink, VaultError
from meta_pipeline.store.connections import access, onboardings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.nodes import choices
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.vault.vault import Vault

ABANDONED_AFTER = dt.timedelta(minutes=5)
BY_CUSTOMER = "the customer, on the page of an invitation"
MOST_FIGURES = 25  # nodes whose figures of yesterday are read: one call each
_READERS = {
    "ad_account": first_look.ad_account, "page": first_look.page, "instagram_account": first_look.instagram_account,
}


@dataclass(frozen=True, slots=True)
class Share:
    """The nodes that an invitation reaches: those that it requested (`wanted`), the others, and what is missing."""

    wanted: tuple[NodeLink, ...]
    others: tuple[NodeLink, ...]
    missing: tuple[Finding, ...]


def share_of(
    invitation: Invitation, tenant: Tenant, *, features: Collection[str], tokens: Vault, engine: sa.Engine
) -> Share:
    """Return the nodes that an invitation reaches now, from the control store only."""
    given = _access(invitation, tenant, features=features, tokens=tokens, engine=engine)
    wanted = [link for link in given.links if is_wanted(link, tenant, invitation.kinds, given.owners)]
    others = [link for link in given.links if link not in wanted] if invitation.way == "sign_in" else []
    return Share(tuple(wanted), tuple(others), tuple(findings(tenant, invitation.kinds, given)))


def _access(
    invitation: Invitation, tenant: Tenant, *, features: Collection[str], tokens: Vault, engine: sa.Engine
) -> Access:
    links = {link.id: link for link in list_links(engine)}
    if invitation.way == "sign_in" and invitation.token_ref:
        reached = access.by_source_token(engine).get(invitation.token_ref, [])
        granted: Collection[str] | None = tokens.ref(invitation.token_ref).scopes
    else:
        reached = [accesses[0] for accesses in access.usable_by_node(engine).values() if accesses]
        granted = None
    shown = [links[each.node_id] for each in reached if each.node_id in links]
    return Access(
        links=sorted(shown, key=lambda link: (link.kind, link.name, link.id)),
        tasks={each.node_id: each.tasks for each in reached},
        requested=scopes_for_kinds(invitation.kinds, features), granted=granted,
        owners={link.id: owner for link in shown if (owner := link.owner_business_id)},
        only_from_us=tuple(invitation.assets.get("only_from_us", ())),
    )


def verify(
    id: str, *, intake: Intake, features: Collection[str], graph: GraphClient, tokens: Vault, engine: sa.Engine,
    now: dt.datetime,
) -> Share | None:
    """Read yesterday's figures of each requested node with the new access, and set the invitation's state. Return None
    if the invitation or its tenant no longer exists."""
    invitation = invitations.find(engine, id)
    tenant = intake.tenant(invitation.tenant) if invitation is not None else None
    if invitation is None or tenant is None:
        return None
    only_from_us = _only_from_us(invitation, tenant, intake, graph=graph, tokens=tokens)
    invitations.update(engine, id, assets={**invitation.assets, "only_from_us": only_from_us})
    invitation = invitations.find(engine, id) or invitation
    share = share_of(invitation, tenant, features=features, tokens=tokens, engine=engine)
    figures = {
        link.id: _yesterday(link, invitation, graph=graph, tokens=tokens, engine=engine, now=now)
        for link in readable(share.wanted, share.missing)[:MOST_FIGURES] if link.kind in _READERS
    }
    assets = {**invitation.assets, "figures": figures, "read_at": now.isoformat()}
    invitations.update(engine, id, assets=assets)
    if not share.wanted and invitation.way == "partner":
        return share
    state = "verified" if not share.missing and share.wanted else "partly_granted"
    if invitation.state != state:
        move(engine, id, state, actor="the check of the access", now=now)  # type: ignore[arg-type]
    return share


def _yesterday(
    link: NodeLink, invitation: Invitation, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> dict[str, Any]:
    """Return yesterday's figures of a node through the invitation's own access, or the error."""
    day = link.today(now) - dt.timedelta(days=1)
    result: dict[str, Any] = {"day": str(day)}
    try:
        token_ref = next(
            (
                each.token_ref for each in access.by_source_token(engine).get(invitation.token_ref or "", [])
                if each.node_id == link.id
            ),
            None,
        )
        if token_ref is None:
            token = tokens.reveal_for(link.id, flow="invitation")
        else:
            token = tokens.reveal(token_ref, flow="invitation", node_id=link.id)
        read = _READERS[link.kind]
        result["figures"] = read(link.id, day, graph=graph.on(CallContext(node_id=link.id)), token=token)
    except MetaPipelineError as error:
        result["trouble"] = str(error)
    return result


def _only_from_us(
    invitation: Invitation, tenant: Tenant, intake: Intake, *, graph: GraphClient, tokens: Vault
) -> list[str]:
    """Return the tenant's businesses that we share nodes with and that share none with us, if they should."""
    if tenant.shares != "with_us" or not intake.business or not tenant.businesses:
        return []
    refs = [ref for ref in tokens.refs() if ref.kind != "page" and "business_management" in ref.scopes]
    usable = [ref for ref in refs if ref.id == invitation.token_ref] or refs
    for ref in usable[:1]:
        try:
            token = tokens.reveal(ref.id, flow="invitation")
            return sorted(
                only_we_share(
                    intake.business, tenant.businesses, is_theirs=bool(invitation.token_ref), graph=graph, token=token
                )
            )
        except (GraphError, VaultError):
            return []
    return []


def due_checks(engine: sa.Engine, *, now: dt.datetime) -> list[Invitation]:
    """Return the invitations to check now: those that wait for a partner share, and those whose check after a consent
    was not finished because its process was killed."""
    stored = invitations.find_all(engine)
    return [
        *(
            each for each in stored
            if each.way == "partner" and each.state in ("waiting_for_meta", "partly_granted")
            and each.next_check_at is not None and each.next_check_at <= now < each.ends_at
        ),
        *(
            each for each in stored
            if each.way == "sign_in" and each.state in ("signed_in", "waiting_for_meta")
            and now - each.state_at >= ABANDONED_AFTER and _token_of(each, engine) is not None
        ),
    ]


def _token_of(invitation: Invitation, engine: sa.Engine) -> str | None:
    """Return the ref of the token from an invitation's consent; None while there is no token."""
    onboarding = onboardings.get(engine, invitation.onboarding_id) if invitation.onboarding_id else None
    return onboarding.token_ref if onboarding is not None else None


def check_shares(
    *, intake: Intake, features: Collection[str], graph: GraphClient, tokens: Vault, engine: sa.Engine,
    now: dt.datetime,
) -> tuple[list[str], list[str]]:
    """Check the invitations that are due. Return the ids of those that reach requested nodes, and a sentence for each
    problem. The nodes that our tokens reach are listed once for all invitations."""
    waiting = due_checks(engine, now=now)
    if not waiting:
        return [], []
    shared: list[str] = []
    problems: list[str] = []
    if any(each.way == "partner" for each in waiting):
        _, problems = relinking.relink_all(graph=graph, tokens=tokens, engine=engine, now=now)
    for invitation in waiting:
        if invitation.way == "sign_in":
            invitations.update(engine, invitation.id, token_ref=_token_of(invitation, engine))
        try:
            share = verify(
                invitation.id, intake=intake, features=features, graph=graph, tokens=tokens, engine=engine, now=now
            )
        except (MetaPipelineError, ConfigError) as error:
            problems.append(f"invitation {invitation.id} could not be checked: {error}")
            share = None
        is_done = share is not None and not share.missing and bool(share.wanted)
        invitations.update(
            engine, invitation.id, checks=invitation.checks + 1,
            next_check_at=None if is_done else next_check(invitation.checks + 1, now=now),
        )
        if share is not None and share.wanted:
            shared.append(invitation.id)
    return shared, problems


def leave_out(
    invitation: Invitation, ticked: Collection[str], links: Sequence[NodeLink], *, intake: Intake, engine: sa.Engine,
    now: dt.datetime,
) -> list[str]:
    """Leave the nodes that the customer has not ticked out of the daily reads, and return their ids. Nodes that are
    ticked again are read again. Operators' choices and other tenants' nodes do not change."""
    left_out = sorted(link.id for link in links if link.id not in ticked)
    invitations.update(engine, invitation.id, assets={**invitation.assets, "left_out": left_out})
    others = [tenant for tenant in intake.tenants if tenant.name != invitation.tenant]
    stored = choices.find_all(engine)
    editable = {
        link.id for link in links
        if (link.id not in stored or stored[link.id].chosen_by == BY_CUSTOMER or stored[link.id].choice == "chosen")
        and not any(tenant.has(Node(link.kind, link.id, link.owner)) for tenant in others)
    }
    again = {node_id for node_id in editable & {*ticked} if node_id in stored and stored[node_id].choice == "left_out"}
    choices.save(engine, sorted(editable - {*ticked}), "left_out", chosen_by=BY_CUSTOMER, now=now)
    choices.save(engine, sorted(again), "chosen", chosen_by=BY_CUSTOMER, now=now)
    return left_out
