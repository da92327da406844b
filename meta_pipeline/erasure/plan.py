"""The things that belong to a subject: its people, tokens and nodes, and their names. Pure, from what is stored."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.erasure.mentions import Mentions
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.records import ConfigError, NodeLink, TokenRef
from meta_pipeline.status.token_health import APP_REMOVED, DISCONNECTED
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.leaving.erasures import SubjectKind

PEOPLE = ("user", "system_user")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """Everything that is erased. `people`: ids of people; `refs`: of tokens; `nodes`: kind by id; `shared`: nodes that
    the subject reaches and that stay, because others have access to them; `tenant`: whose published file goes;
    `pictures`: thumbnails of these nodes alone."""

    kind: SubjectKind
    people: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    nodes: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    businesses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tenant: str | None = None
    pictures: tuple[str, ...] = ()

    @property
    def mentions(self) -> Mentions:
        """Return the words to look for."""
        return Mentions((*self.people, *self.refs, *self.nodes, *self.businesses), self.names)

    @property
    def of_people(self) -> Mentions:
        """Return the ids of people alone: the rows of nodes that stay may name them."""
        return Mentions(self.people)

    @property
    def node_list(self) -> list[Node]:
        """Return the nodes as the published files know them."""
        return [Node(kind, id) for id, kind in self.nodes.items()]

    def to_json(self) -> str:
        """Return the plan as JSON, which the vault seals."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ErasurePlan:
        """Return the plan that `to_json` wrote."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The control store's knowledge: `access` by the token of a person or system user, `people_names` by id,
    `landed_kinds` by node: the kind of a node that has landed files."""

    refs: Sequence[TokenRef]
    links: Sequence[NodeLink]
    access: Mapping[str, Sequence[Access]]
    people_names: Mapping[str, frozenset[str]]
    landed_kinds: Mapping[str, str]
    tenants: Sequence[Tenant] = ()


def plan_for(kind: SubjectKind, subject: str, stored: Stored) -> ErasurePlan:
    """Return what belongs to a subject. Raise ConfigError for a node or a tenant that nothing is stored of."""
    match kind:
        case "person":
            return _of_person(subject, stored)
        case "node":
            return _of_node(subject, stored)
        case "tenant":
            return _of_tenant(subject, stored)


def kind_of(subject: str, stored: Stored) -> SubjectKind:
    """Return what a text names: a tenant, a node, or a person; ConfigError when it names nothing that is stored."""
    if any(tenant.name == subject for tenant in stored.tenants):
        return "tenant"
    if _node_id(subject, stored) is not None:
        return "node"
    if subject in stored.people_names or any(ref.subject_id == subject for ref in stored.refs):
        return "person"
    raise ConfigError(
        f"nothing is stored of {subject[:80]!r}: name a person by the app-scoped user id, a node by its id "
        "(`meta-pipeline links`), or a tenant by its name"
    )


def is_withdrawn(ref: TokenRef) -> bool:
    """Return whether the consent behind a token has ended. A token that only expired was not taken back."""
    return ref.retired_at is not None and (
        ref.retired_because == DISCONNECTED or ref.retired_subcode == APP_REMOVED
    )


def _of_person(subject: str, stored: Stored) -> ErasurePlan:
    own = {ref.id for ref in stored.refs if ref.subject_id == subject and ref.kind in PEOPLE}
    refs = own | {ref.id for ref in stored.refs if ref.parent_ref in own}
    reached = {access.node_id for ref in own for access in stored.access.get(ref, ())}
    reached |= {link.id for link in stored.links if link.token_ref in refs}
    others = {ref.id for ref in stored.refs if ref.kind in PEOPLE and ref.id not in own and not is_withdrawn(ref)}
    shared = {access.node_id for ref in others for access in stored.access.get(ref, ())}
    return _plan("person", {subject}, refs, reached - shared, stored, shared=reached & shared)


def _of_node(subject: str, stored: Stored) -> ErasurePlan:
    node_id = _node_id(subject, stored)
    if node_id is None:
        raise ConfigError(f"nothing is stored of the node {subject[:80]!r}: `meta-pipeline links` lists the nodes")
    return _plan("node", set(), set(), {node_id}, stored)


def _of_tenant(subject: str, stored: Stored) -> ErasurePlan:
    tenant = next((each for each in stored.tenants if each.name == subject), None)
    if tenant is None:
        raise ConfigError(f"there is no tenant {subject[:80]!r} in META_PIPELINE_TENANTS")
    linked = [Node(link.kind, link.id, link.owner_business) for link in stored.links]
    theirs = {node.id for node in tenant.nodes_among(linked)}
    theirs |= {node_id for node_id in tenant.nodes if node_id in stored.landed_kinds}
    of_others = {
        node.id for other in stored.tenants if other is not tenant for node in other.nodes_among(linked)
    }
    nodes = theirs - of_others
    people, refs = set[str](), set[str]()
    for ref in stored.refs:
        reached = {access.node_id for access in stored.access.get(ref.id, ())}
        if ref.kind in PEOPLE and reached and reached <= nodes:
            people.add(ref.subject_id)
            refs.add(ref.id)
    refs |= {ref.id for ref in stored.refs if ref.parent_ref in refs}
    return _plan("tenant", people, refs, nodes, stored, shared=theirs & of_others, tenant=tenant)


def _plan(
    kind: SubjectKind,
    people: set[str],
    refs: set[str],
    nodes: set[str],
    stored: Stored,
    *,
    shared: Iterable[str] = (),
    tenant: Tenant | None = None,
) -> ErasurePlan:
    """Complete a plan: Page tokens of the nodes, the businesses that own nothing else, and all names that nothing that
    stays has as well."""
    refs = refs | {ref.id for ref in stored.refs if ref.kind == "page" and ref.subject_id in nodes}
    kinds = {link.id: link.kind for link in stored.links}
    own_links = [link for link in stored.links if link.id in nodes]
    other_links = [link for link in stored.links if link.id not in nodes]
    businesses = {link.owner_business for link in own_links} | (tenant.businesses if tenant else frozenset())
    businesses -= {link.owner_business for link in other_links}
    names = {link.name for link in own_links}
    names |= {ref.subject_name for ref in stored.refs if ref.id in refs}
    names |= {business for business in businesses if business and not business.isdigit()}
    names |= {name for person in people for name in stored.people_names.get(person, ())}
    staying = {link.name for link in other_links}
    staying |= {link.owner_business for link in other_links if link.owner_business}
    staying |= {ref.subject_name for ref in stored.refs if ref.id not in refs}
    staying |= {name for id, each in stored.people_names.items() if id not in people for name in each}
    # A name that is part of one that stays would take that one with it.
    names = {name for name in names if name and not any(name in other for other in staying)}
    return ErasurePlan(
        kind=kind, people=tuple(sorted(people)), refs=tuple(sorted(refs)),
        nodes={id: kinds.get(id) or stored.landed_kinds[id] for id in sorted(nodes)}, shared=tuple(sorted(shared)),
        businesses=tuple(sorted(id for id in businesses if id and id.isdigit())), names=tuple(sorted(names)),
        tenant=tenant.name if tenant else None,
    )


def _node_id(subject: str, stored: Stored) -> str | None:
    ids = {link.id for link in stored.links} | set(stored.landed_kinds)
    return next((id for id in (subject, f"act_{subject}") if id in ids), None)
