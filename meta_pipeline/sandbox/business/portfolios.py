"""Business portfolios, what they own and what is shared with them (docs/graph-api.md §5.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from meta_pipeline.sandbox.protocol.errors import unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import require_scope
from meta_pipeline.sandbox.world.cast import (
    BUSINESSES,
    CATALOGS,
    CLIENT_BUSINESSES,
    OWN_BUSINESS,
    PIXELS,
    SYSTEM_USER_ID,
    SYSTEM_USER_NAME,
)
from meta_pipeline.sandbox.world.entities import Account, Business, Page, SharedAsset
from meta_pipeline.sandbox.world.nodes import account_node, page_node
from meta_pipeline.sandbox.world.world import World

_NAMED = ("id", "name")


class _Owned(Protocol):
    @property
    def business(self) -> Business: ...


OwnedT = TypeVar("OwnedT", bound=_Owned)


@dataclass(frozen=True)
class BusinessEdges:
    """Answers the paths of business portfolios. The world has one agency and its clients."""

    world: World

    def list_businesses(self, call: NodeCall) -> dict[str, Any]:
        """Return the portfolios of a person (`me/businesses`)."""
        require_scope(call.token, "business_management")
        return paginate(call.request, [OWN_BUSINESS], lambda business: _read_business(call, business))

    def answer(self, call: NodeCall) -> dict[str, Any]:
        """Return a portfolio or one of its edges."""
        require_scope(call.token, "business_management")
        if not call.edge:
            return _read_business(call, BUSINESSES[call.node_id])
        is_agency = call.node_id == OWN_BUSINESS.id
        for edges in (self._asset_edges(call, is_agency), self._partner_edges(call, is_agency)):
            if call.edge in edges:
                return edges[call.edge]()
        raise unknown_path(call.edge)

    def _asset_edges(self, call: NodeCall, is_agency: bool) -> dict[str, Callable[[], dict[str, Any]]]:
        """Return the edges to ad accounts, Pages, pixels and catalogs; what clients own is shared with the agency."""

        def account(item: Account) -> dict[str, Any]:
            node = account_node(item, self.world, call.now, has_business=True)
            return select_fields(node, call.fields, ("id", "account_id"))

        def page(item: Page) -> dict[str, Any]:
            return select_fields(page_node(item, None, has_business=True), call.fields, _NAMED)

        def shared(item: SharedAsset) -> dict[str, Any]:
            return select_fields(_shared_asset_node(item), call.fields, _NAMED)

        accounts, pages = self.world.accounts.values(), self.world.pages.values()
        business = BUSINESSES[call.node_id]
        return {
            "owned_ad_accounts": lambda: paginate(call.request, _of_side(accounts, is_agency), account),
            "client_ad_accounts": lambda: paginate(call.request, _of_clients(accounts, is_agency), account),
            "owned_pages": lambda: paginate(call.request, _of_side(pages, is_agency), page),
            "client_pages": lambda: paginate(call.request, _of_clients(pages, is_agency), page),
            "owned_pixels": lambda: paginate(call.request, _of_business(PIXELS, business), shared),
            "client_pixels": lambda: paginate(call.request, _of_clients(PIXELS, is_agency), shared),
            "owned_product_catalogs": lambda: paginate(call.request, _of_business(CATALOGS, business), shared),
            "client_product_catalogs": lambda: paginate(call.request, _of_clients(CATALOGS, is_agency), shared),
        }

    def _partner_edges(self, call: NodeCall, is_agency: bool) -> dict[str, Callable[[], dict[str, Any]]]:
        """Return the edges to other portfolios and to system users."""
        clients, agencies = (CLIENT_BUSINESSES, ()) if is_agency else ((), (OWN_BUSINESS,))
        system_users = [SYSTEM_USER_ID] if is_agency else []
        return {
            "clients": lambda: paginate(call.request, clients, lambda business: _read_business(call, business)),
            "agencies": lambda: paginate(call.request, agencies, lambda business: _read_business(call, business)),
            "system_users": lambda: paginate(call.request, system_users, lambda user_id: {
                "id": user_id, "name": SYSTEM_USER_NAME, "role": "ADMIN",
            }),
        }


def _of_side(items: Iterable[OwnedT], is_agency: bool) -> list[OwnedT]:
    """Return what the agency owns, or what its clients together own."""
    return [item for item in items if (item.business == OWN_BUSINESS) == is_agency]


def _of_clients(items: Iterable[OwnedT], is_agency: bool) -> list[OwnedT]:
    """Return what clients share with the agency; nothing is shared with a client."""
    return [item for item in items if is_agency and item.business != OWN_BUSINESS]


def _of_business(items: Iterable[OwnedT], business: Business) -> list[OwnedT]:
    return [item for item in items if item.business == business]


def _read_business(call: NodeCall, business: Business) -> dict[str, Any]:
    node = {
        "_type": "Business", "id": business.id, "name": business.name, "verification_status": "verified",
        "created_time": "2020-01-01T00:00:00+0000", "timezone_id": 1, "primary_page": None, "link": None,
        "two_factor_type": "none",
    }
    return select_fields(node, call.fields, _NAMED)


def _shared_asset_node(asset: SharedAsset) -> dict[str, Any]:
    """Return a pixel or catalog node."""
    owner = {"id": asset.business.id, "name": asset.business.name}
    return {"_type": "AdsPixel", "id": asset.id, "name": asset.name, "owner_business": owner, "business": owner}
