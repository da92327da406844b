"""Compute which access that an invitation requests is missing, and why, from what a token reaches. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from meta_pipeline.consent.scopes import Scope
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.node_kinds import KINDS_BY_NAME
from meta_pipeline.records import NodeLink

Reason = Literal[
    "missing_scope", "missing_task", "wrong_owner", "wrong_direction", "not_an_admin", "no_instagram_link",
    "leads_access",
]
DEFAULT_KINDS = ("ad_account", "page", "instagram_account")
READING_TASK = "ANALYZE"
LEADS_TASK = "MANAGE_LEADS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The access that was given. `links`: the nodes that are reached, `tasks`: the tasks on them, if Meta names any;
    `requested`: the requested permissions, `granted`: the names of those that were granted, None for a share, which
    needs none; `owners`: the id of the business that owns a node, where it is known; `only_from_us`: the tenant's
    businesses with which we share and which don't share with us."""

    links: Sequence[NodeLink] = ()
    tasks: Mapping[str, Collection[str]] = field(default_factory=dict)
    requested: Sequence[Scope] = ()
    granted: Collection[str] | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    only_from_us: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is missing. `node_id`: the node, empty when it concerns all nodes of a kind; `name`: its name or
    its id; `scope`, `owner`: the scope or the owner that the sentence names."""

    reason: Reason
    kind: str
    node_id: str = ""
    name: str = ""
    scope: Scope | None = None
    owner: str = ""


def is_wanted(link: NodeLink, tenant: Tenant, kinds: Collection[str], owners: Mapping[str, str]) -> bool:
    """Return whether a node was requested: it is the tenant's, and of a requested kind."""
    if link.kind not in kinds:
        return False
    wanted = wanted_ids(tenant, link.kind)
    return link.id in wanted if wanted else tenant.has(Node(link.kind, link.id, owners.get(link.id)))


def wanted_ids(tenant: Tenant, kind: str) -> frozenset[str]:
    """Return the ids of a kind that the intake names; empty when all nodes of the kind are requested."""
    named = {id for id, its_kind in tenant.kinds.items() if its_kind == kind}
    if kind == "ad_account":
        named |= {id for id in tenant.nodes if id.startswith("act_")}
    return frozenset(named)


def findings(tenant: Tenant, kinds: Sequence[str], access: Access) -> list[Finding]:
    """Return what is missing, in the order in which it can be fixed: the direction of the share, permissions, then node
    by node the owner, the role and the tasks."""
    missing = [
        Finding(reason="wrong_direction", kind=kinds[0] if kinds else "", owner=business)
        for business in sorted(set(access.only_from_us) & (set(tenant.businesses) or set(access.only_from_us)))
    ]
    lacking = _lacking_scopes(kinds, access)
    missing += [Finding(reason="missing_scope", kind=kind, scope=scope) for scope, kind in lacking]
    unlisted = {kind for scope, _ in lacking for kind in scope.kinds}
    for kind in kinds:
        missing += _of_kind(tenant, kind, access, is_listed=kind not in unlisted)
    return missing


def _lacking_scopes(kinds: Sequence[str], access: Access) -> list[tuple[Scope, str]]:
    """Return each permission that was requested and not granted, with the first kind that needs it."""
    if access.granted is None:
        return []
    lacking = []
    for scope in access.requested:
        needing = [kind for kind in kinds if kind in (*scope.kinds, *scope.reads)]
        if scope.name not in access.granted and (needing or scope.kinds):
            lacking.append((scope, needing[0] if needing else scope.kinds[0]))
    return lacking


def _of_kind(tenant: Tenant, kind: str, access: Access, *, is_listed: bool) -> Iterator[Finding]:
    reached = {link.id: link for link in access.links if link.kind == kind}
    wanted = wanted_ids(tenant, kind)
    for id in sorted(wanted - reached.keys()) if is_listed else ():
        is_unlinked = kind == "instagram_account" and any(link.kind == "page" for link in access.links)
        yield Finding(reason="no_instagram_link" if is_unlinked else "not_an_admin", kind=kind, node_id=id, name=id)
    mine = [link for link in reached.values() if is_wanted(link, tenant, (kind,), access.owners)]
    if not wanted and not mine and is_listed:
        if reached and tenant.businesses:
            yield from (_wrong_owner(link, access) for link in sorted(reached.values(), key=lambda link: link.id)[:1])
        else:
            is_unlinked = kind == "instagram_account" and any(link.kind == "page" for link in access.links)
            yield Finding(reason="no_instagram_link" if is_unlinked else "not_an_admin", kind=kind)
    for link in sorted(mine, key=lambda link: link.id):
        yield from _of_node(link, tenant, access)


def _of_node(link: NodeLink, tenant: Tenant, access: Access) -> Iterator[Finding]:
    owner = access.owners.get(link.id)
    if owner is not None and tenant.businesses and owner not in tenant.businesses:
        yield _wrong_owner(link, access)
    tasks = access.tasks.get(link.id, ())
    if link.kind in KINDS_BY_NAME and tasks and READING_TASK not in tasks:
        yield Finding(reason="missing_task", kind=link.kind, node_id=link.id, name=link.name or link.id)
    wants_leads = any(scope.name == "leads_retrieval" for scope in access.requested)
    if link.kind == "page" and wants_leads and tasks and LEADS_TASK not in tasks:
        yield Finding(reason="leads_access", kind=link.kind, node_id=link.id, name=link.name or link.id)


def _wrong_owner(link: NodeLink, access: Access) -> Finding:
    owner = link.owner_business or access.owners.get(link.id, "")
    return Finding(reason="wrong_owner", kind=link.kind, node_id=link.id, name=link.name or link.id, owner=owner)


def readable(links: Iterable[NodeLink], missing: Iterable[Finding]) -> list[NodeLink]:
    """Return the links of the nodes that can be read: those without a missing task."""
    blocked = {finding.node_id for finding in missing if finding.reason == "missing_task"}
    return [link for link in links if link.id not in blocked]
