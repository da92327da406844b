"""The customers of the intake, and which linked nodes are theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

ShareDirection = Literal["with_us", "with_them", "both"]


@dataclass(frozen=True, slots=True)
class Node:
    """A linked node: its kind, its id as Graph writes it, and the business that owns it, if that is known."""

    kind: str
    id: str
    owner_business: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The person of a customer who administers one of its businesses."""

    business: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer whose nodes are published in a separate file.

    `title`: its name for people; `nodes`: the ids that the intake names, `kinds`: the kind of those that it names by
    kind; `contacts`: an admin of each business; `shares`: who shares with whom; `tasks`: those that were agreed, by
    kind of node; `viewers`, `operators`: addresses of people, `lead_viewers`: those of them who get the answers of
    leads; the retention of raw data is in days, None where it is not stated."""

    name: str
    businesses: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    kinds: Mapping[str, str] = field(default_factory=dict, hash=False)
    title: str = ""
    contacts: tuple[Contact, ...] = ()
    shares: ShareDirection | None = None
    tasks: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    uses_conversions_api: bool | None = None
    viewers: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    lead_viewers: frozenset[str] = frozenset()
    retention_floor_days: int | None = None
    retention_ceiling_days: int | None = None

    @property
    def has_every_node(self) -> bool:
        return not (self.businesses or self.nodes)

    @property
    def display_name(self) -> str:
        """Return the name for people."""
        return self.title or self.name

    def has(self, node: Node) -> bool:
        """Return whether a linked node is this tenant's."""
        return self.has_every_node or node.id in self.nodes or node.owner_business in self.businesses

    def nodes_among(self, linked: Iterable[Node]) -> list[Node]:
        """Return the linked nodes that are this tenant's."""
        return [node for node in linked if self.has(node)]


def warnings_about(tenants: Iterable[Tenant], linked: Iterable[Node]) -> list[str]:
    """Return a sentence for each node or business of the file without a link, and for each node of several tenants."""
    linked = list(linked)
    ids = {node.id for node in linked}
    owners = {node.owner_business for node in linked if node.owner_business is not None}
    sentences: list[str] = []
    holders: dict[str, list[str]] = {}
    for tenant in tenants:
        sentences += [
            f"tenant {tenant.name}: no linked node has the id {id}; `meta-pipeline links` lists them"
            for id in sorted(tenant.nodes - ids)
        ]
        sentences += [
            f"tenant {tenant.name}: business {id} owns no linked node; name its nodes one by one if Meta does not say "
            "who owns them"
            for id in sorted(tenant.businesses - owners)
        ]
        for node in tenant.nodes_among(linked):
            holders.setdefault(node.id, []).append(tenant.name)
    sentences += [f"{id} is in several tenants: {', '.join(names)}" for id, names in holders.items() if len(names) > 1]
    return sentences
