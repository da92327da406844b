"""Discover which nodes a token may read, through whom, and who owns them (docs/graph-api.md §4.3, §13.32, §13.34).

Every edge is read on its own: one that fails leaves the others as they are, and is returned with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import (
    ConnectionFailedError,
    GraphError,
    RequestError,
    ScopeError,
    SuspendedError,
    ThrottledError,
    TokenError,
    UnreadableAnswerError,
)
from meta_pipeline.graph.responses.unknown_fields import without_unknown
from meta_pipeline.records import AccessToken, NodeLink

# Errors of the token, the app or the network: the next edge would meet them too.
_OF_EVERY_EDGE = (TokenError, ThrottledError, SuspendedError, ConnectionFailedError)


class _Named(msgspec.Struct):
    id: str
    name: str | None = None


class _Business(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _Account(msgspec.Struct):
    id: str
    name: str | None = None
    currency: str | None = None
    timezone_name: str | None = None
    business: _Business | None = None
    user_tasks: tuple[str, ...] = ()


class _Instagram(msgspec.Struct):
    id: str
    username: str | None = None


class _Page(msgspec.Struct):
    id: str
    name: str | None = None
    access_token: str | None = None
    tasks: tuple[str, ...] = ()
    business: _Business | None = None
    instagram_business_account: _Instagram | None = None


class _Shared(msgspec.Struct):
    id: str
    name: str | None = None
    owner_business: _Business | None = None
    business: _Business | None = None


Row = TypeVar("Row", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An edge: its path, the kinds of nodes at its end, its fields, and whose edge it is."""

    path: str
    call: CallKind
    kinds: tuple[str, ...]
    fields: tuple[str, ...]
    limit: int = 100
    business_id: str | None = None

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class FailedEdge:
    """An edge that was not read, and why. `is_refused`: Meta says that the token may not read it, so its nodes are no
    longer reachable; otherwise they may be."""

    edge: Edge
    reason: str
    is_refused: bool

    def leads_to(self, link: NodeLink) -> bool:
        """Return whether a linked node may be listed by this edge."""
        if link.kind not in self.edge.kinds:
            return False
        if self.edge.business_id is None:
            return True
        return any(
            relation.get("via") == self.edge.name and relation.get("id") == self.edge.business_id
            for relation in link.related
        )


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovered nodes, the edges that were not read, and a sentence for each field that was left out."""

    links: tuple[NodeLink, ...]
    failed: tuple[FailedEdge, ...] = ()
    lost_fields: tuple[str, ...] = ()

    @property
    def unread(self) -> list[str]:
        """Return a sentence for each edge and field that was not read."""
        edges = [f"{failed.edge.path} was not read: {failed.reason}" for failed in self.failed]
        return [*edges, *self.lost_fields]


_BUSINESSES = Edge(path="me/businesses", call=CallKind.BUSINESSES, kinds=("pixel", "catalog"), fields=("id", "name"))
_ACCOUNTS = Edge(
    path="me/adaccounts", call=CallKind.AD_ACCOUNTS, kinds=("ad_account",),
    fields=("id", "account_id", "name", "currency", "timezone_name", "account_status", "business", "user_tasks"),
    limit=200,
)
_PAGES = Edge(
    path="me/accounts", call=CallKind.PAGES, kinds=("page", "instagram_account"),
    fields=("id", "name", "access_token", "category", "tasks", "business", "instagram_business_account{id,username}"),
)
# Edges of a business, the kind of node they list, and the field that names its owner (docs/graph-api.md §5.2).
_OF_A_BUSINESS = (
    ("owned_pixels", "pixel", "owner_business"), ("client_pixels", "pixel", "owner_business"),
    ("owned_product_catalogs", "catalog", "business"), ("client_product_catalogs", "catalog", "business"),
)


def discover(
    *,
    graph: GraphClient,
    token: AccessToken,
    token_ref: str,
    keep_page_token: Callable[[str, str, AccessToken], str],
) -> Discovery:
    """Return every ad account, Page, Instagram account, pixel and catalog that the token reaches, and the edges that
    failed. Raise the first failure when nothing is reachable, and errors of the token, the app or the network.

    `keep_page_token(page_id, page_name, token)` seals a Page's own token in the vault and returns its ref."""
    reader = _EdgeReader(graph, token)
    own = frozenset(row.id for row in reader.rows(_BUSINESSES, _Named))
    links = [_ad_account(row, token_ref, own) for row in reader.rows(_ACCOUNTS, _Account)]
    for page in reader.rows(_PAGES, _Page):
        links.extend(_page(page, token_ref, own, keep_page_token))
    for business_id in sorted(own):
        for name, kind, owner in _OF_A_BUSINESS:
            edge = Edge(
                path=f"{business_id}/{name}", call=CallKind.BUSINESSES, kinds=(kind,),
                fields=("id", "name", f"{owner}{{id,name}}"), business_id=business_id,
            )
            links.extend(_shared(row, edge, token_ref, own) for row in reader.rows(edge, _Shared))
    if not links and reader.errors:
        raise reader.errors[0]
    return Discovery(tuple(links), tuple(reader.failed), tuple(reader.lost_fields))


class _EdgeReader:
    """Reads the edges of one token, each on its own, and collects what failed."""

    def __init__(self, graph: GraphClient, token: AccessToken) -> None:
        self._graph, self._token = graph, token
        self.failed: list[FailedEdge] = []
        self.errors: list[GraphError] = []
        self.lost_fields: list[str] = []

    def rows(self, edge: Edge, row: type[Row]) -> list[Row]:
        """Return an edge's rows; none, and a failed edge, when it can't be read. A field that this version does not
        know is left out."""
        fields = edge.fields
        while True:
            try:
                return list(self._read(edge, fields, row))
            except _OF_EVERY_EDGE:
                raise
            except RequestError as error:
                fewer = without_unknown(fields, error)
                if fewer is None:
                    return self._fail(edge, error)
                lost = ", ".join(sorted(set(fields) - set(fewer)))
                self.lost_fields.append(f"{edge.path} was read without {lost}, which this version does not know")
                fields = fewer
            except GraphError as error:
                return self._fail(edge, error)

    def _fail(self, edge: Edge, error: GraphError) -> list[Any]:
        is_refused = isinstance(error, ScopeError)
        if not (is_refused and edge is _BUSINESSES):  # without business_management no owner is known, which is enough
            self.errors.append(error)
            self.failed.append(FailedEdge(edge, str(error), is_refused))
        return []

    def _read(self, edge: Edge, fields: Sequence[str], row: type[Row]) -> Iterator[Row]:
        params = {"fields": list(fields), "limit": edge.limit}
        for batch in self._graph.batches(edge.path, params, token=self._token, kind=edge.call):
            for record in batch.records:
                try:
                    yield msgspec.json.decode(record, type=row)
                except msgspec.MsgspecError:
                    raise UnreadableAnswerError(
                        f"{self._graph.host} answered {edge.path} with a row that is not one", trace_id=batch.trace_id
                    ) from None


def _access(business: _Business | None, own: frozenset[str]) -> Literal["owned", "partner", "unknown"]:
    if business is None or not own:
        return "unknown"
    return "owned" if business.id in own else "partner"


def _ad_account(row: _Account, token_ref: str, own: frozenset[str]) -> NodeLink:
    return NodeLink(
        kind="ad_account", id=row.id, name=row.name or "", access=_access(row.business, own),
        owner_business=row.business.name if row.business else None, tasks=row.user_tasks, timezone=row.timezone_name,
        currency=row.currency, token_ref=token_ref,
    )


def _page(
    row: _Page, token_ref: str, own: frozenset[str], keep_page_token: Callable[[str, str, AccessToken], str]
) -> Iterator[NodeLink]:
    name, instagram = row.name or "", row.instagram_business_account
    ref = token_ref
    if row.access_token:
        ref = keep_page_token(row.id, name, AccessToken(kind="page", value=row.access_token))
    owner, access = row.business.name if row.business else None, _access(row.business, own)
    related = (
        ({"kind": "instagram_account", "id": instagram.id, "via": "instagram_business_account"},) if instagram else ()
    )
    # Page insights are on Pacific days whatever the Page's place (docs/graph-api.md §3.1).
    yield NodeLink(
        kind="page", id=row.id, name=name, access=access, owner_business=owner, tasks=row.tasks,
        timezone="America/Los_Angeles", currency=None, token_ref=ref, related=related,
    )
    if instagram:
        yield NodeLink(
            kind="instagram_account", id=instagram.id, name=instagram.username or "", access=access,
            owner_business=owner, tasks=row.tasks, timezone="America/Los_Angeles", currency=None, token_ref=ref,
            related=({"kind": "page", "id": row.id, "via": "me/accounts"},),
        )


def _shared(row: _Shared, edge: Edge, token_ref: str, own: frozenset[str]) -> NodeLink:
    """Return the link of a node that is reached through a business only, where Meta names no tasks."""
    owner = row.owner_business or row.business
    via = ({"kind": "business", "id": edge.business_id, "via": edge.name},)
    return NodeLink(
        kind=edge.kinds[0], id=row.id, name=row.name or "", access=_access(owner, own),
        owner_business=owner.name if owner else None, tasks=(), timezone=None, currency=None, token_ref=token_ref,
        related=via,
    )
