"""Discover which nodes a token may read, through whom, and who owns them (docs/graph-api.md §4.3, §13.32, §13.34).

Each edge is read separately: one that fails does not affect the others, and is returned with its reason."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from meta_pipeline.graph.client import GraphClient
from meta_pipeline.linker.edge_reader import EdgeReader
from meta_pipeline.linker.edges import (
    ACCOUNTS,
    BUSINESSES,
    OF_A_BUSINESS,
    PAGES,
    Account,
    BusinessEdge,
    Edge,
    FailedEdge,
    Instagram,
    Named,
    Owner,
    Page,
    Pending,
    Shared,
)
from meta_pipeline.node_kinds import PACIFIC
from meta_pipeline.records import AccessToken, NodeLink
from meta_pipeline.store.nodes.business_assets import AssetStatus, BusinessAsset

KeepPageToken = Callable[[str, str, AccessToken], str]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovered nodes, the edges that were not read, and a sentence for each field that was left out.
    `businesses`: the names of the token's businesses, by id; `assets`: every node that they list, also those that the
    token may not read."""

    links: tuple[NodeLink, ...]
    failed: tuple[FailedEdge, ...] = ()
    lost_fields: tuple[str, ...] = ()
    businesses: Mapping[str, str] = field(default_factory=dict)
    assets: tuple[BusinessAsset, ...] = ()

    @property
    def unread(self) -> list[str]:
        """Return a sentence for each edge that was not read and may hide a readable node, and for each field that was
        left out."""
        edges = [f"{each.edge.path} was not read: {each.reason}" for each in self.failed if each.hidden_kinds]
        return [*edges, *self.lost_fields]


def discover(
    *,
    graph: GraphClient,
    token: AccessToken,
    token_ref: str,
    keep_page_token: KeepPageToken,
    earlier_businesses: Mapping[str, str] | None = None,
) -> Discovery:
    """Return every ad account, Page, Instagram account, pixel and catalog that the token reaches, what its businesses
    list, and the edges that failed. Raise the first failure when nothing is reachable, and errors of the token, the app
    or the network.

    `keep_page_token(page_id, page_name, token)` seals a Page's own token in the vault and returns its ref.
    `earlier_businesses`: those of the last discovery, used when this one can't list them."""
    reader = EdgeReader(graph, token)
    businesses = {row.id: row.name or "" for row in reader.rows(BUSINESSES, Named)}
    if reader.failed:
        businesses = dict(earlier_businesses or {})
    nodes = _Nodes(token_ref, keep_page_token)
    for account in reader.rows(ACCOUNTS, Account):
        nodes.add_account(account)
    for page in reader.rows(PAGES, Page):
        nodes.add_page(page)
    # A token that may not list these kinds itself can't read the nodes of them that its businesses list either.
    nodes.unreadable_kinds = {kind for each in reader.failed if each.is_refused for kind in each.edge.kinds}
    for business_id in sorted(businesses):
        for described in OF_A_BUSINESS:
            nodes.read_edge(described, described.of(business_id), reader)
    links = tuple(draft.link(businesses) for draft in nodes.drafts.values())
    if not links and reader.errors:
        raise reader.errors[0]
    return Discovery(links, tuple(reader.failed), tuple(reader.lost_fields), businesses, tuple(nodes.assets))


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A node as the rows of several edges describe it."""

    kind: str
    id: str
    name: str | None
    owner: Owner | None
    token_ref: str
    tasks: tuple[str, ...] = ()
    timezone: str | None = None
    currency: str | None = None
    related: list[dict[str, Any]] = field(default_factory=list)
    listed: list[tuple[str, str]] = field(default_factory=list)  # business and relation

    def link(self, businesses: Mapping[str, str]) -> NodeLink:
        """Return the link; its owner is the one that Meta names, or the business that lists the node as owned."""
        owner_id, owner = (self.owner.id, self.owner.name) if self.owner else (None, None)
        owned_by = next((business for business, relation in self.listed if relation == "owned"), None)
        if owner_id is None and owned_by is not None:
            owner_id, owner = owned_by, owner or businesses[owned_by] or None
        return NodeLink(
            kind=self.kind, id=self.id, name=self.name or "", access=self._access(owner_id, businesses),
            owner_business=owner, owner_business_id=owner_id, tasks=self.tasks, timezone=self.timezone,
            currency=self.currency, token_ref=self.token_ref, related=tuple(self.related),
        )

    def _access(
        self, owner_id: str | None, businesses: Mapping[str, str]
    ) -> Literal["owned", "partner", "unknown"]:
        if not businesses:
            return "unknown"
        if owner_id is not None:
            return "owned" if owner_id in businesses else "partner"
        return "partner" if any(relation == "client" for _, relation in self.listed) else "unknown"


class _Nodes:
    """The nodes that were discovered so far, by id, and the nodes that businesses list."""

    def __init__(self, token_ref: str, keep_page_token: KeepPageToken) -> None:
        self._token_ref, self._keep_page_token = token_ref, keep_page_token
        self.drafts: dict[str, _Draft] = {}
        self.assets: list[BusinessAsset] = []
        self.unreadable_kinds: set[str] = set()

    def add_account(self, row: Account) -> None:
        """Add an ad account that the token may read."""
        self._add(_Draft(
            kind="ad_account", id=row.id, name=row.name, owner=row.business, tasks=row.user_tasks or (),
            timezone=row.timezone_name, currency=row.currency, token_ref=self._token_ref,
        ))

    def add_page(self, row: Page) -> None:
        """Add a Page that the token may read, and its Instagram account."""
        token_ref = self._token_ref
        if row.access_token:
            token = AccessToken(kind="page", value=row.access_token)
            token_ref = self._keep_page_token(row.id, row.name or "", token)
        # Page insights use Pacific days, wherever the Page is (docs/graph-api.md §3.1).
        page = self._add(_Draft(
            kind="page", id=row.id, name=row.name, owner=row.business, tasks=row.tasks, timezone=PACIFIC,
            token_ref=token_ref,
        ))
        if instagram := row.instagram_business_account:
            page.related.append({
                "kind": "instagram_account", "id": instagram.id, "via": "instagram_business_account",
            })
            self._add(_Draft(
                kind="instagram_account", id=instagram.id, name=instagram.username, owner=row.business, tasks=row.tasks,
                timezone=PACIFIC, token_ref=token_ref,
                related=[{"kind": "page", "id": row.id, "via": "me/accounts"}],
            ))

    def read_edge(self, described: BusinessEdge, edge: Edge, reader: EdgeReader) -> None:
        """Read an edge of a business: list each of its nodes, and add those that the token may read."""
        if edge.is_pending:
            for request in reader.rows(edge, Pending):
                if (asset := request.ad_account or request.page) is not None:
                    self._list(edge, _node_id(described.kind, asset.id), asset.name, status="pending")
            return
        match described.kind:
            case "ad_account":
                for account in reader.rows(edge, Account):
                    add = functools.partial(self.add_account, account) if account.user_tasks else None
                    self._place(edge, account.id, account.name, account.business, add=add)
            case "page":
                for page in reader.rows(edge, Page):
                    add = functools.partial(self.add_page, page) if page.access_token else None
                    self._place(edge, page.id, page.name, page.business, add=add)
            case "instagram_account":
                for instagram in reader.rows(edge, Instagram):
                    name = instagram.username or instagram.ig_username
                    self._place(edge, instagram.ig_user_id or instagram.id, name, instagram.owner_business, add=None)
            case kind:
                for shared in reader.rows(edge, Shared):
                    add = functools.partial(self._add_shared, kind, shared)
                    self._place(edge, shared.id, shared.name, shared.owner_business or shared.business, add=add)

    def _add(self, draft: _Draft) -> _Draft:
        return self.drafts.setdefault(draft.id, draft)

    def _add_shared(self, kind: str, row: Shared) -> None:
        """Add a pixel or a catalog, whose tasks Meta does not name."""
        owner = row.owner_business or row.business
        self._add(_Draft(kind=kind, id=row.id, name=row.name, owner=owner, token_ref=self._token_ref))

    def _place(
        self, edge: Edge, node_id: str, name: str | None, owner: Owner | None, *, add: Callable[[], None] | None
    ) -> None:
        """Relate the node of a row to its business. Add it first if it is new and the token may read it."""
        node_id = _node_id(edge.kinds[0], node_id)
        if node_id not in self.drafts and add is not None and edge.kinds[0] not in self.unreadable_kinds:
            add()
        draft = self.drafts.get(node_id)
        self._list(edge, node_id, name, status="reached" if draft else "unassigned", owner=owner)
        if draft is None or edge.business_id is None or edge.relation is None:
            return
        draft.name, draft.owner = draft.name or name, draft.owner or owner
        draft.listed.append((edge.business_id, edge.relation))
        draft.related.append({"kind": "business", "id": edge.business_id, "via": edge.name})

    def _list(
        self, edge: Edge, node_id: str, name: str | None, *, status: AssetStatus, owner: Owner | None = None
    ) -> None:
        self.assets.append(BusinessAsset(
            business_id=edge.business_id or "", edge=edge.name, node_id=node_id, kind=edge.kinds[0], name=name or "",
            status=status, owner_business=owner.name if owner else None,
        ))


def _node_id(kind: str, id: str) -> str:
    """Return the id as our links write it: with `act_` for ad accounts."""
    return f"act_{id}" if kind == "ad_account" and not id.startswith("act_") else id
