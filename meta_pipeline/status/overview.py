"""The connections as operators see them: the person, the nodes, and the issues with the links that fix them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.consent.scopes import Scope, missing_scopes, requested_phase, scopes_for
from meta_pipeline.graph.limits.pace import Budget
from meta_pipeline.graph.limits.rate_limits import node_of
from meta_pipeline.linker.choosing import Selection, Status
from meta_pipeline.linker.edges import IDENTITIES
from meta_pipeline.records import Grant, NodeLink, TokenRef
from meta_pipeline.status.action_links import ActionLinks
from meta_pipeline.status.issues import (
    Issue,
    access_issues,
    identity_issue,
    node_scope_issue,
    page_token_issue,
    task_issue,
    token_issues,
)
from meta_pipeline.status.token_health import DISCONNECTED, days_left
from meta_pipeline.store.connections import access, grants, unread_edges
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.gateway import budgets
from meta_pipeline.store.landed import listing_sweeps, read_times
from meta_pipeline.vault.vault import Vault

_ORDER = {"dead": 0, "trouble": 1, "good": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node as one connection reaches it. `usage`: percent of Meta's limits by kind; `is_read`: this connection's
    token is the one in use; `status`: whether it is read every day, left out, paused or lost."""

    link: NodeLink
    tasks: tuple[str, ...]
    is_read: bool
    pulled_at: dt.datetime | None
    usage: dict[str, float]
    issue: Issue | None
    status: Status = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A person or system user, its token and what it reaches. `missing`: scopes that were not granted."""

    ref: TokenRef
    grant: Grant | None
    days_left: int | None
    data_access_days_left: int | None
    missing: tuple[Scope, ...]
    issues: tuple[Issue, ...]
    nodes: tuple[NodeState, ...]

    @property
    def state(self) -> str:
        """Return `dead`, `trouble` or `good`."""
        if self.ref.retired_at is not None:
            return "dead"
        return "trouble" if self.issues or any(node.issue for node in self.nodes) else "good"


def connections(
    *,
    engine: sa.Engine,
    tokens: Vault,
    action_links: ActionLinks,
    features: Collection[str],
    now: dt.datetime,
    with_disconnected: bool = False,
    selection: Selection | None = None,
) -> list[Connection]:
    """Return every connection, those with issues first; disconnected ones only `with_disconnected`. Without a
    `selection`, every node is read."""
    refs = tokens.refs(retired=True)
    latest_grants, reached = grants.latest(engine), access.by_source_token(engine)
    usable = access.usable_by_node(engine)
    links = {link.id: link for link in list_links(engine)}
    lost = _lost_by_owner(refs, [link for link in links.values() if link.id not in usable])
    unread = unread_edges.by_token(engine)
    nodes = _NodeStates(
        links=links, pulled_at=read_times.last_read_by_node(engine), usage=_usage(engine, now),
        token_in_use={node_id: accesses[0].token_ref for node_id, accesses in usable.items()},
        refs={ref.id: ref for ref in refs}, features=features, action_links=action_links,
        statuses={id: selection.status(id, now=now) for id in links} if selection else {},
        with_known_identities=listing_sweeps.swept_by_node(engine, kind=IDENTITIES.name),
    )
    described = []
    for ref in refs:
        if ref.parent_ref is not None or ref.kind == "page":
            continue
        if ref.retired_because == DISCONNECTED and not with_disconnected:
            continue
        grant = latest_grants.get(ref.id)
        phase = requested_phase(ref, grant)
        is_in_use = ref.retired_at is None
        missing = missing_scopes(ref.scopes, phase, features) if is_in_use else ()
        if grant is not None and grant.requested:  # an invitation requests the permissions of some kinds only
            left_out = set(scopes_for(phase)) - set(grant.requested)
            missing = tuple(scope for scope in missing if scope.name not in left_out)
        issues = token_issues(ref, phase=phase, action_links=action_links, now=now)
        if is_in_use:
            issues += access_issues(
                ref, grant, missing=missing, lost=lost.get(ref.id, []), unread=unread.get(ref.id, []), phase=phase,
                action_links=action_links,
            )
        described.append(
            Connection(
                ref=ref, grant=grant, days_left=days_left(ref.expires_at, now=now),
                data_access_days_left=days_left(ref.data_access_expires_at, now=now), missing=missing,
                issues=tuple(issues), nodes=nodes.of(ref, grant, reached.get(ref.id, [])),
            )
        )
    return sorted(described, key=lambda each: (_ORDER[each.state], each.ref.subject_name, each.ref.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _NodeStates:
    """Facts about the nodes of all connections, from which the nodes of one connection are described."""

    links: Mapping[str, NodeLink]
    pulled_at: Mapping[str, dt.datetime]
    usage: Mapping[str, dict[str, float]]
    token_in_use: Mapping[str, str]
    refs: Mapping[str, TokenRef]
    features: Collection[str]
    action_links: ActionLinks
    statuses: Mapping[str, Status]
    with_known_identities: Collection[str]

    def of(self, ref: TokenRef, grant: Grant | None, accesses: Iterable[Access]) -> tuple[NodeState, ...]:
        """Return the nodes that a connection reaches, by id."""
        ordered = sorted(accesses, key=lambda access: access.node_id)
        return tuple(self._state(ref, grant, access) for access in ordered if access.node_id in self.links)

    def _state(self, ref: TokenRef, grant: Grant | None, access: Access) -> NodeState:
        link = self.links[access.node_id]
        return NodeState(
            link=link, tasks=access.tasks, is_read=self.token_in_use.get(link.id) == access.token_ref,
            pulled_at=self.pulled_at.get(link.id), usage=self.usage.get(link.id, {}),
            issue=task_issue(link, access.tasks, action_links=self.action_links)
            or self._page_token_issue(ref, access) or self._scope_issue(link, ref, grant, access)
            or identity_issue(
                link, access.tasks, features=self.features, is_known=link.id in self.with_known_identities,
                action_links=self.action_links,
            ),
            status=self.statuses.get(link.id, "read"),
        )

    def _page_token_issue(self, ref: TokenRef, access: Access) -> Issue | None:
        """Return the issue of a Page's own token that was retired while its person's is in use; None otherwise."""
        page = self.refs.get(access.token_ref)
        if page is None or page.retired_at is None or ref.retired_at is not None or access.token_ref == ref.id:
            return None
        return page_token_issue(page, action_links=self.action_links)

    def _scope_issue(self, link: NodeLink, ref: TokenRef, grant: Grant | None, access: Access) -> Issue | None:
        """Return the issue of a permission that a node's token lacks while this connection is used; None otherwise."""
        token = self.refs.get(access.token_ref)
        if token is None or token.retired_at is not None or ref.retired_at is not None:
            return None
        return node_scope_issue(
            link, token.scopes, grant, phase=requested_phase(ref, grant), features=self.features,
            action_links=self.action_links, is_urgent=self.token_in_use.get(link.id) == access.token_ref,
        )


@dataclass(frozen=True, slots=True)
class DisconnectionEffect:
    """The effect of disconnecting a token. `stopped`: nodes that no token reads afterwards; `still_read`: nodes that
    other tokens read."""

    ref: TokenRef
    stopped: tuple[NodeLink, ...]
    still_read: tuple[NodeLink, ...]


def effect_of_disconnecting(ref_id: str, *, engine: sa.Engine, tokens: Vault) -> DisconnectionEffect:
    """Return which nodes are no longer read once this token, and the Page tokens through it, are deleted."""
    token_refs = {
        ref.id for ref in tokens.refs(replaced=True) if ref_id in (ref.id, ref.parent_ref, ref.replaced_by)
    }
    node_ids = {node_id for token_ref in token_refs for node_id in access.nodes_of(engine, token_ref)}
    links = [link for link in list_links(engine) if link.id in node_ids]
    stopped = set(access.nodes_stopped_by(token_refs, access.usable_by_node(engine), [link.id for link in links]))
    return DisconnectionEffect(
        tokens.ref(ref_id), tuple(link for link in links if link.id in stopped),
        tuple(link for link in links if link.id not in stopped),
    )


def _lost_by_owner(refs: Sequence[TokenRef], lost: Iterable[NodeLink]) -> dict[str, list[NodeLink]]:
    """Return the nodes that no token reads now, by the person or system user that read them last."""
    owner = {ref.id: ref.parent_ref or ref.id for ref in refs}
    by_owner: dict[str, list[NodeLink]] = {}
    for link in lost:
        if (ref_id := owner.get(link.token_ref)) is not None:
            by_owner.setdefault(ref_id, []).append(link)
    return by_owner


def _usage(engine: sa.Engine, now: dt.datetime) -> dict[str, dict[str, float]]:
    """Return the percent of Meta's limits in use, by node and kind of limit."""
    usage: dict[str, dict[str, float]] = {}
    for row in budgets.find_all(engine):
        node_id, kind = node_of(row["key"])
        if node_id is not None and row["percent"] is not None:
            usage.setdefault(node_id, {})[kind] = round(Budget(**row).drained(now), 1)
    return usage
