"""Plan an erasure: the people, tokens and nodes that belong to a subject, and their names. Pure, from stored facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from meta_pipeline.erasure.erasure_plan import ErasurePlan, plan_of_contact
from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.records import ConfigError, NodeLink, TokenRef
from meta_pipeline.status.token_health import APP_REMOVED, DISCONNECTED
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.leaving.erasures import SubjectKind
from meta_pipeline.store.nodes.business_assets import BusinessAsset

PEOPLE = ("user", "system_user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """The access that an invitation's customer granted. `token_ref`: of their consent, None for a share as partner;
    `nodes`: those that the invitation covers; `is_in_force`: the invitation has not ended."""

    token_ref: str | None
    nodes: frozenset[str]
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The facts in the control store: `access` by the token of a person or system user, `people_names` by id,
    `landed_kinds` by node: the kind of a node that has landed files; `earlier_names` of nodes, by id; `businesses`
    (names by id) and `assets` (what these list), by token; `intake`: our business, customers and people; `invited`: by
    the id of an invitation."""

    refs: Sequence[TokenRef]
    links: Sequence[NodeLink]
    access: Mapping[str, Sequence[Access]]
    people_names: Mapping[str, frozenset[str]]
    landed_kinds: Mapping[str, str]
    earlier_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    businesses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    assets: Mapping[str, Sequence[BusinessAsset]] = field(default_factory=dict)
    intake: Intake = field(default_factory=Intake)
    invited: Mapping[str, Invited] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, str]:
        """Return the kind of every node of which anything is stored, by id."""
        listed = {asset.node_id: asset.kind for assets in self.assets.values() for asset in assets}
        return {**listed, **self.landed_kinds, **{link.id: link.kind for link in self.links}}


def plan_for(kind: SubjectKind, subject: str, stored: Stored) -> ErasurePlan:
    """Return the plan for a subject. Raise ConfigError for a node or a tenant about which nothing is stored."""
    match kind:
        case "person":
            return _of_person(subject, stored)
        case "node":
            return _of_node(subject, stored)
        case "tenant":
            return _of_tenant(subject, stored)
        case "invitation":
            return _of_invitation(subject, stored)
        case "contact":
            return plan_of_contact(subject)


def kind_of(subject: str, stored: Stored) -> SubjectKind:
    """Return the kind of subject that a text names; raise ConfigError if nothing is stored about it."""
    if "@" in subject:
        raise ConfigError(
            "an address stays in the shell's history: `meta-pipeline forget --contact` reads it from standard input"
        )
    if stored.intake.tenant(subject) is not None:
        return "tenant"
    if _node_id(subject, stored) is not None:
        return "node"
    if subject in stored.people_names or any(ref.subject_id == subject for ref in stored.refs):
        return "person"
    raise ConfigError(
        f"nothing is stored about {subject[:80]!r}: name a person by the app-scoped user id, a node by its id "
        "(`meta-pipeline links`), or a tenant by its name"
    )


def is_withdrawn(ref: TokenRef) -> bool:
    """Return whether the consent behind a token has ended. A consent whose token only expired has not."""
    return ref.retired_at is not None and (
        ref.retired_because == DISCONNECTED or ref.retired_subcode == APP_REMOVED
    )


def _of_person(subject: str, stored: Stored) -> ErasurePlan:
    own = {ref.id for ref in stored.refs if ref.subject_id == subject and ref.kind in PEOPLE}
    refs = own | {ref.id for ref in stored.refs if ref.parent_ref in own}
    others = {ref.id for ref in stored.refs if ref.kind in PEOPLE and ref.id not in own and not is_withdrawn(ref)}
    reached = _reached(own, stored) | {link.id for link in stored.links if link.token_ref in refs}
    shared, listed = _reached(others, stored), _listed(own, stored) - _listed(others, stored)
    businesses = {id for ref in own for id in stored.businesses.get(ref, ())}
    return _plan(
        "person", {subject}, refs, (reached | listed) - shared, stored, shared=reached & shared, businesses=businesses
    )


def _of_node(subject: str, stored: Stored) -> ErasurePlan:
    node_id = _node_id(subject, stored)
    if node_id is None:
        raise ConfigError(f"nothing is stored about the node {subject[:80]!r}: `meta-pipeline links` lists the nodes")
    return _plan("node", set(), set(), {node_id}, stored)


def _of_tenant(subject: str, stored: Stored) -> ErasurePlan:
    tenant = stored.intake.tenant(subject)
    if tenant is None:
        raise ConfigError(f"there is no tenant {subject[:80]!r} in META_PIPELINE_TENANTS")
    linked = [Node(link.kind, link.id, link.owner) for link in stored.links]
    linked_ids, kinds = {node.id for node in linked}, stored.kinds
    # The owner of a node without a link is known only where a business lists the node as its own.
    linked += [
        Node(asset.kind, asset.node_id, asset.business_id) for assets in stored.assets.values() for asset in assets
        if asset.node_id not in linked_ids and asset.edge.startswith("owned_")
    ]
    theirs = {node.id for node in tenant.nodes_among(linked)} | (tenant.nodes & kinds.keys())
    others = [other for other in stored.intake.tenants if other is not tenant]
    of_others = {node.id for other in others for node in other.nodes_among(linked)}
    nodes = theirs - of_others
    people, refs = set[str](), set[str]()
    for ref in stored.refs:
        reached = _reached([ref.id], stored)
        if ref.kind in PEOPLE and reached and reached <= nodes:
            people.add(ref.subject_id)
            refs.add(ref.id)
    refs |= {ref.id for ref in stored.refs if {ref.parent_ref, ref.replaced_by} & refs}
    return _plan("tenant", people, refs, nodes, stored, shared=theirs & of_others, tenant=tenant)


def _reached(refs: Iterable[str], stored: Stored) -> set[str]:
    return {access.node_id for ref in refs for access in stored.access.get(ref, ())}


def _listed(refs: Iterable[str], stored: Stored) -> set[str]:
    return {asset.node_id for ref in refs for asset in stored.assets.get(ref, ())}


def _of_invitation(subject: str, stored: Stored) -> ErasurePlan:
    """Return the plan for an invitation: its person, unless another invitation needs the same token, and the nodes that
    no other grant reaches. Our own tokens reach a share as partner; they do not count as other grants."""
    given = stored.invited.get(subject)
    if given is None:  # erased before
        return ErasurePlan(kind="invitation")
    others = [each for id, each in stored.invited.items() if id != subject and each.is_in_force]
    ref = next((ref for ref in stored.refs if ref.id == given.token_ref), None)
    of_others = {node_id for each in others for node_id in each.nodes}
    if ref is not None and ref.id not in {each.token_ref for each in others}:
        plan = _of_person(ref.subject_id, stored)
        nodes, shared = set(plan.nodes) - of_others, {*plan.shared, *(of_others & set(plan.nodes))}
        return _plan("invitation", set(plan.people), set(plan.refs), nodes, stored, shared=shared)
    for other in stored.refs:
        is_own = other.id == given.token_ref or other.kind not in PEOPLE or is_withdrawn(other)
        for access in () if is_own else stored.access.get(other.id, ()):
            if given.token_ref is not None or access.access != "partner":
                of_others.add(access.node_id)
    return _plan("invitation", set(), set(), set(given.nodes - of_others), stored, shared=given.nodes & of_others)


def _plan(
    kind: SubjectKind,
    people: set[str],
    refs: set[str],
    nodes: set[str],
    stored: Stored,
    *,
    shared: Iterable[str] = (),
    businesses: Iterable[str] = (),
    tenant: Tenant | None = None,
) -> ErasurePlan:
    """Return the complete plan: with the Page tokens of the nodes, the businesses that are erased with them, and all
    names except those of anything that stays."""
    refs = refs | {ref.id for ref in stored.refs if ref.kind == "page" and ref.subject_id in nodes}
    kinds = stored.kinds
    gone = _businesses(refs, nodes, stored, listed=businesses, tenant=tenant)
    erased, staying = set[str](), set[str]()
    for is_erased, names in _names(people, refs, nodes, gone, stored):
        (erased if is_erased else staying).update(name for name in names if name)
    members = _members(tenant, stored.intake) if tenant else frozenset()
    if tenant is not None:
        erased |= {tenant.title, *(contact.email for contact in tenant.contacts)} - {""}
        staying |= {
            word for each in stored.intake.tenants if each is not tenant
            for word in (each.title, *(contact.email for contact in each.contacts)) if word
        }
    # Erasing a name that is part of a name that stays would damage the latter.
    erased = {name for name in erased if not any(name in other for other in staying)}
    return ErasurePlan(
        kind=kind, people=tuple(sorted(people)), refs=tuple(sorted(refs)),
        nodes={id: kinds[id] for id in sorted(nodes)},
        owners={link.id: link.owner for link in stored.links if link.id in nodes and link.owner},
        shared=tuple(sorted(shared)), businesses=tuple(sorted(gone)), names=tuple(sorted(erased)),
        tenant=tenant.name if tenant else None, members=tuple(sorted(members)),
    )


def _businesses(
    refs: set[str], nodes: set[str], stored: Stored, *, listed: Iterable[str], tenant: Tenant | None
) -> set[str]:
    """Return the ids of the businesses to erase: the tenant's, those that own erased nodes, and those in `listed`. A
    business stays if it is ours or another tenant's, or if it owns a node that stays; without a tenant, also if a
    token that stays reaches it."""
    owning = {link.owner_business_id for link in stored.links if link.id in nodes}
    staying = {link.owner_business_id for link in stored.links if link.id not in nodes} | {stored.intake.business}
    for other in stored.intake.tenants:
        staying |= other.businesses if other is not tenant else frozenset()
    if tenant is None:
        staying |= {id for ref, names in stored.businesses.items() if ref not in refs for id in names}
    named = tenant.businesses if tenant else frozenset()
    return {id for id in {*listed, *owning, *named} if id} - {id for id in staying if id}


def _names(
    people: set[str], refs: set[str], nodes: set[str], businesses: set[str], stored: Stored
) -> Iterator[tuple[bool, Iterable[str | None]]]:
    """Yield the names of everything that is stored, after whether the object that they name is erased."""
    for link in stored.links:
        is_erased = link.id in nodes
        yield is_erased, (link.name, *stored.earlier_names.get(link.id, ()))
        owner_goes = link.owner_business_id in businesses if link.owner_business_id else is_erased
        yield owner_goes, (link.owner_business,)
    for ref in stored.refs:
        yield ref.id in refs, (ref.subject_name,)
    for id, names in stored.people_names.items():
        yield id in people, names
    for listed in stored.businesses.values():
        for id, name in listed.items():
            yield id in businesses, (name,)
    for assets in stored.assets.values():
        for asset in assets:
            yield asset.node_id in nodes, (asset.name,)


def _members(tenant: Tenant, intake: Intake) -> frozenset[str]:
    """Return the addresses of the people who sign in for this tenant only."""
    others = {email for each in intake.tenants if each is not tenant for email in each.viewers | each.operators}
    return (tenant.viewers | tenant.operators) - others - intake.operators


def _node_id(subject: str, stored: Stored) -> str | None:
    return next((id for id in (subject, f"act_{subject}") if id in stored.kinds), None)
