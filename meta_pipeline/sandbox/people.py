"""Persons, system users and business portfolios, and the edges to what they reach (graph-api.md §5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from meta_pipeline.sandbox import nodes
from meta_pipeline.sandbox.answers import Ask, Refused, paged, projected
from meta_pipeline.sandbox.nouns import CATALOGS, OWN, PARTNERS, PIXELS, Account, Page, Shared
from meta_pipeline.sandbox.scene import Scene
from meta_pipeline.sandbox.tokens import Token, need
from meta_pipeline.sandbox.world import SYSTEM_USER_ID, USER_ID

Reached = TypeVar("Reached", Account, Page)


def person(scene: Scene, ask: Ask, head: str, edge: str, token: Token, now: dt.datetime) -> Any:
    """A person or system user, and what they reach."""
    sees = "business_management" in token.scopes
    match edge:
        case "":
            name = "Sam Operator" if head == USER_ID else "Northwind ELT (system user)"
            return projected({"_type": "User", "id": head, "name": name}, ask.params.get("fields"), ("id", "name"))
        case "permissions":
            told = scene.identity.permissions if token.kind == "USER" else {}
            known = {scope: status for scope, status in told.items() if scope not in token.scopes}
            return {"data": [
                *({"permission": scope, "status": "granted"} for scope in token.scopes),
                *({"permission": scope, "status": "declined"} for scope, status in known.items()
                  if status == "declined"),
            ]}
        case "accounts":
            need(token, "pages_show_list")
            return paged(ask, _reached(scene, scene.world.pages.values()), lambda one: projected(
                nodes.page(one, scene.identity.page_token(one.id, token, now), sees_business=sees,
                           tasks=scene.tasks.get(one.id)),
                ask.params.get("fields"), ("access_token", "category", "category_list", "name", "id", "tasks"),
            ))
        case "adaccounts":
            need(token, "ads_read", "ads_management")
            return paged(ask, _reached(scene, scene.world.accounts.values()), lambda one: projected(
                nodes.account(one, scene.world, now, sees_business=sees, tasks=scene.tasks.get(one.id)),
                ask.params.get("fields"),
                ("id", "account_id"),
            ))
        case "businesses":
            need(token, "business_management")
            return paged(ask, [OWN], lambda one: projected(
                nodes.business(one), ask.params.get("fields"), ("id", "name")
            ))
    raise Refused(f"Unknown path components: /{edge}", 2500)


def _reached(scene: Scene, found: Iterable[Reached]) -> list[Reached]:
    return [one for one in found if scene.tasks.get(one.id) != []]


def business(scene: Scene, ask: Ask, head: str, edge: str, token: Token, now: dt.datetime) -> Any:
    """A portfolio, what it owns and what is shared with it (graph-api.md §5.2)."""
    need(token, "business_management")
    is_ours = head == OWN.id
    accounts = [one for one in scene.world.accounts.values() if (one.business == OWN) == is_ours]
    pages = [one for one in scene.world.pages.values() if (one.business == OWN) == is_ours]
    shared = [one for one in scene.world.accounts.values() if one.business != OWN] if is_ours else []
    shared_pages = [one for one in scene.world.pages.values() if one.business != OWN] if is_ours else []
    fields = ask.params.get("fields")

    def show_account(one: Account) -> dict[str, Any]:
        return projected(nodes.account(one, scene.world, now, sees_business=True), fields, ("id", "account_id"))

    def show_page(one: Any) -> dict[str, Any]:
        return projected(nodes.page(one, None, sees_business=True), fields, ("id", "name"))

    def show_shared(one: Shared) -> dict[str, Any]:
        return projected(nodes.shared(one), fields, ("id", "name"))

    edges: dict[str, tuple[list[Any], Callable[[Any], dict[str, Any]]]] = {
        "owned_ad_accounts": (accounts, show_account),
        "client_ad_accounts": (shared, show_account),
        "owned_pages": (pages, show_page),
        "client_pages": (shared_pages, show_page),
        "clients": (list(PARTNERS) if is_ours else [], lambda one: projected(
            nodes.business(one), fields, ("id", "name"))),
        "agencies": ([] if is_ours else [OWN], lambda one: projected(nodes.business(one), fields, ("id", "name"))),
        "owned_pixels": ([one for one in PIXELS if one.business.id == head], show_shared),
        "client_pixels": ([one for one in PIXELS if is_ours and one.business != OWN], show_shared),
        "owned_product_catalogs": ([one for one in CATALOGS if one.business.id == head], show_shared),
        "client_product_catalogs": ([one for one in CATALOGS if is_ours and one.business != OWN], show_shared),
        "system_users": ([SYSTEM_USER_ID] if is_ours else [], lambda one: {
            "id": one, "name": "Northwind ELT (system user)", "role": "ADMIN"}),
    }
    if not edge:
        return projected(nodes.business(nodes.BUSINESSES[head]), fields, ("id", "name"))
    if edge not in edges:
        raise Refused(f"Unknown path components: /{edge}", 2500)
    found, show = edges[edge]
    return paged(ask, found, show)
