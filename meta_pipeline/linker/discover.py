"""Which nodes a token may read, through whom, and who owns them (graph-api.md §4.3, §13.32, §13.34)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, ScopeError
from meta_pipeline.records import AccessToken, NodeLink

_ACCOUNTS = "id,account_id,name,currency,timezone_name,account_status,business,user_tasks"
# Edges of a business, what is at their end, and the field that names its owner (graph-api.md §5.2).
_EDGES = (
    ("owned_pixels", "pixel", "owner_business"), ("client_pixels", "pixel", "owner_business"),
    ("owned_product_catalogs", "catalog", "business"), ("client_product_catalogs", "catalog", "business"),
)
_PAGES = "id,name,access_token,category,tasks,business,instagram_business_account{id,username}"


def discover(
    *,
    graph: GraphClient,
    token: AccessToken,
    token_ref: str,
    keep_page_token: Callable[[str, str, AccessToken], str],
) -> list[NodeLink]:
    """Every ad account, Page, Instagram account, pixel and catalog the token reaches. A missing permission for one
    kind is no reason to lose the others; with nothing at all reachable the first refusal is raised.

    `keep_page_token(page_id, page_name, token)` puts a Page's own token into the vault and answers its ref."""
    links: list[NodeLink] = []
    refusals: list[GraphError] = []
    own = _businesses(graph, token)
    for found in (_ad_accounts, _pages, _shared):
        try:
            links.extend(found(graph, token, token_ref, own, keep_page_token))
        except ScopeError as error:
            refusals.append(error)
    if not links and refusals:
        raise refusals[0]
    return links


def _businesses(graph: GraphClient, token: AccessToken) -> frozenset[str]:
    """The person's own businesses; unknown without `business_management`, and then no owner is guessed."""
    try:
        return frozenset(str(row["id"]) for row in _rows(graph, "me/businesses", {"fields": "id,name"}, token))
    except ScopeError:
        return frozenset()


def _shared(
    graph: GraphClient, token: AccessToken, token_ref: str, own: frozenset[str], _: object
) -> Iterator[NodeLink]:
    """What is reached through a business only. Its tasks are not told there."""
    for business_id in sorted(own):
        for edge, kind, owner_field in _EDGES:
            asked = {"fields": f"id,name,{owner_field}{{id,name}}", "limit": 100}
            for row in _rows(graph, f"{business_id}/{edge}", asked, token):
                owner = row.get(owner_field)
                name = owner.get("name") if isinstance(owner, dict) else None
                via = ({"kind": "business", "id": business_id, "via": edge},)
                yield NodeLink(
                    kind, str(row["id"]), row.get("name", ""), _access(owner, own), name, (), None, None, token_ref, via
                )


def _access(business: Any, own: frozenset[str]) -> Literal["owned", "partner", "unknown"]:
    if not isinstance(business, dict) or not own:
        return "unknown"
    return "owned" if str(business.get("id")) in own else "partner"


def _ad_accounts(
    graph: GraphClient, token: AccessToken, token_ref: str, own: frozenset[str], _: object
) -> Iterator[NodeLink]:
    for row in _rows(graph, "me/adaccounts", {"fields": _ACCOUNTS, "limit": 200}, token, marketing=True):
        business = row.get("business")
        yield NodeLink(
            "ad_account", row["id"], row.get("name", ""), _access(business, own),
            business.get("name") if isinstance(business, dict) else None,
            tuple(row.get("user_tasks", ())), row.get("timezone_name"), row.get("currency"), token_ref,
        )


def _pages(
    graph: GraphClient,
    token: AccessToken,
    token_ref: str,
    own: frozenset[str],
    keep_page_token: Callable[[str, str, AccessToken], str],
) -> Iterator[NodeLink]:
    for row in _rows(graph, "me/accounts", {"fields": _PAGES, "limit": 100}, token):
        business, instagram = row.get("business"), row.get("instagram_business_account")
        page_token = row.get("access_token")
        ref = keep_page_token(row["id"], row["name"], AccessToken("page", page_token)) if page_token else token_ref
        owner = business.get("name") if isinstance(business, dict) else None
        access, tasks = _access(business, own), tuple(row.get("tasks", ()))
        related = (
            ({"kind": "instagram_account", "id": instagram["id"], "via": "instagram_business_account"},)
            if instagram
            else ()
        )
        # Page insights are on Pacific days whatever the Page's place (graph-api.md §3.1).
        yield NodeLink(
            "page", row["id"], row["name"], access, owner, tasks, "America/Los_Angeles", None, ref, related
        )
        if instagram:
            yield NodeLink(
                "instagram_account", instagram["id"], instagram.get("username", ""), access, owner, tasks,
                "America/Los_Angeles", None, ref, ({"kind": "page", "id": row["id"], "via": "me/accounts"},),
            )


def _rows(
    graph: GraphClient, path: str, params: dict[str, Any], token: AccessToken, *, marketing: bool = False
) -> Iterator[dict[str, Any]]:
    for batch in graph.batches(path, params, token=token, surface="marketing" if marketing else "graph"):
        for record in batch.records:
            yield msgspec.json.decode(record)
