"""The edges that a discovery reads, as data: their paths, fields and rows (docs/graph-api.md §4.3, §5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.records import NodeLink

Relation = Literal["owned", "client", "pending_owned", "pending_client"]


class Named(msgspec.Struct):
    """A row with an id and, where Meta names it, a name; also a business."""

    id: str
    name: str | None = None


class Owner(msgspec.Struct):
    """The business that owns a row; empty where the token may not see it."""

    id: str | None = None
    name: str | None = None


class Account(msgspec.Struct):
    """A row of an edge to ad accounts. `user_tasks`: None when Meta does not name them, empty for somebody without a
    role on the account."""

    id: str
    name: str | None = None
    currency: str | None = None
    timezone_name: str | None = None
    business: Owner | None = None
    user_tasks: tuple[str, ...] | None = None


class Instagram(msgspec.Struct):
    """The Instagram account of a Page, or a row of a business's edge, where the id may be in `ig_user_id`."""

    id: str
    username: str | None = None
    owner_business: Owner | None = None
    ig_user_id: str | None = None
    ig_username: str | None = None


class Page(msgspec.Struct):
    """A row of an edge to Pages; `access_token` is set when the token's person has a role on the Page."""

    id: str
    name: str | None = None
    access_token: str | None = None
    tasks: tuple[str, ...] = ()
    business: Owner | None = None
    instagram_business_account: Instagram | None = None


class Shared(msgspec.Struct):
    """A pixel or a catalog."""

    id: str
    name: str | None = None
    owner_business: Owner | None = None
    business: Owner | None = None


class Pending(msgspec.Struct):
    """A request for an ad account or a Page that nobody has answered yet."""

    id: str
    ad_account: Named | None = None
    page: Named | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An edge: its path, the kinds of nodes that it lists, its fields, and its business, if any. `is_extra`: another
    edge lists the readable nodes too, so a failure of this one hides none of them."""

    path: str
    call: CallKind
    kinds: tuple[str, ...]
    fields: tuple[str, ...]
    limit: int = 100
    business_id: str | None = None
    relation: Relation | None = None
    is_extra: bool = False

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_pending(self) -> bool:
        """Return whether the edge lists requests that nobody has answered yet."""
        return self.relation in ("pending_owned", "pending_client")


@dataclass(frozen=True, slots=True)
class FailedEdge:
    """An edge that was not read, and why. `is_refused`: Meta says that the token may not read it, so its nodes are no
    longer reachable; otherwise they may be."""

    edge: Edge
    reason: str
    is_refused: bool

    def leads_to(self, link: NodeLink) -> bool:
        """Return whether a linked node may be listed by this edge."""
        if link.kind not in self.edge.kinds or self.edge.is_pending:
            return False
        if self.edge.business_id is None:
            return True
        return any(
            relation.get("via") == self.edge.name and relation.get("id") == self.edge.business_id
            for relation in link.related
        )

    @property
    def hidden_kinds(self) -> tuple[str, ...]:
        """Return the kinds of readable nodes that may be missing because of the failure."""
        return () if self.edge.is_extra else self.edge.kinds


BUSINESSES = Edge(path="me/businesses", call=CallKind.BUSINESSES, kinds=("pixel", "catalog"), fields=("id", "name"))
_ACCOUNT_FIELDS = (
    "id", "account_id", "name", "currency", "timezone_name", "account_status", "business", "user_tasks",
)
ACCOUNTS = Edge(
    path="me/adaccounts", call=CallKind.AD_ACCOUNTS, kinds=("ad_account",), fields=_ACCOUNT_FIELDS, limit=200
)
_PAGE_FIELDS = ("id", "name", "access_token", "category", "business", "instagram_business_account{id,username}")
PAGES = Edge(
    path="me/accounts", call=CallKind.PAGES, kinds=("page", "instagram_account"), fields=(*_PAGE_FIELDS, "tasks")
)


# An edge of each ad account, whose id goes before the path: the Instagram accounts as which its ads may appear.
IDENTITIES = Edge(
    path="connected_instagram_accounts", call=CallKind.AD_OBJECTS, kinds=("instagram_account",),
    fields=("id", "username"), is_extra=True,
)


@dataclass(frozen=True, slots=True)
class BusinessEdge:
    """An edge of a business: its name, the kind of its nodes and their relation to the business."""

    name: str
    kind: str
    relation: Relation
    fields: tuple[str, ...]
    limit: int = 100

    def of(self, business_id: str) -> Edge:
        """Return the edge of one business. No other edge lists pixels and catalogs."""
        return Edge(
            path=f"{business_id}/{self.name}", call=CallKind.BUSINESSES, kinds=(self.kind,), fields=self.fields,
            limit=self.limit, business_id=business_id, relation=self.relation,
            is_extra=self.kind not in ("pixel", "catalog"),
        )


def _edges() -> Iterator[BusinessEdge]:
    for kind, plural, fields in (("ad_account", "ad_accounts", _ACCOUNT_FIELDS), ("page", "pages", _PAGE_FIELDS)):
        yield BusinessEdge(f"owned_{plural}", kind, "owned", fields, 200)
        yield BusinessEdge(f"client_{plural}", kind, "client", fields, 200)
        yield BusinessEdge(f"pending_owned_{plural}", kind, "pending_owned", ("id", f"{kind}{{id,name}}"))
        yield BusinessEdge(f"pending_client_{plural}", kind, "pending_client", ("id", f"{kind}{{id,name}}"))
    yield BusinessEdge(
        "owned_instagram_accounts", "instagram_account", "owned", ("id", "username", "owner_business{id,name}")
    )
    yield BusinessEdge("client_instagram_assets", "instagram_account", "client", ("id", "ig_user_id", "ig_username"))
    for kind, plural, owner in (
        ("pixel", "pixels", "owner_business"), ("catalog", "product_catalogs", "business"),
    ):
        shared_fields = ("id", "name", f"{owner}{{id,name}}")
        yield BusinessEdge(f"owned_{plural}", kind, "owned", shared_fields)
        yield BusinessEdge(f"client_{plural}", kind, "client", shared_fields)


OF_A_BUSINESS = tuple(_edges())
