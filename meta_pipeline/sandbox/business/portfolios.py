"""Business portfolios, what they own and what is shared with them (docs/graph-api.md §5.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from meta_pipeline.sandbox.business.shares import Share, Shares
from meta_pipeline.sandbox.business.system_users import SystemUsers
from meta_pipeline.sandbox.protocol.errors import unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.cast import (
    BUSINESSES,
    CATALOGS,
    CLIENT_BUSINESSES,
    OWN_BUSINESS,
    PIXELS,
)
from meta_pipeline.sandbox.world.entities import Account, Business, Page, SharedAsset
from meta_pipeline.sandbox.world.nodes import account_node, business_field
from meta_pipeline.sandbox.world.world import World

_NAMED = ("id", "name")
_Answers = dict[str, Callable[[], dict[str, Any]]]


class _Owned(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def business(self) -> Business: ...


OwnedT = TypeVar("OwnedT", bound=_Owned)


@dataclass(frozen=True)
class BusinessEdges:
    """Answers the paths of business portfolios. The world has one agency and its clients.

    `page_node` returns every field of a Page, its token included."""

    world: World
    access: NodeAccess
    shares: Shares
    system_users: SystemUsers
    page_node: Callable[..., dict[str, Any]]

    def list_businesses(self, call: NodeCall) -> dict[str, Any]:
        """Return the portfolios of a person (`me/businesses`)."""
        require_scope(call.token, "business_management")
        return paginate(call.request, [OWN_BUSINESS], lambda business: read_business(call, business))

    def answer(self, call: NodeCall) -> dict[str, Any]:
        """Return a portfolio or one of its edges."""
        require_scope(call.token, "business_management")
        business = BUSINESSES[call.node_id]
        if not call.edge:
            return read_business(call, business)
        for edges in (
            self._account_edges(call, business), self._page_edges(call, business), self._shared_edges(call, business),
            self._pending_edges(call, business), self._partner_edges(call, business),
        ):
            if call.edge in edges:
                return edges[call.edge]()
        raise unknown_path(call.edge)

    def _account_edges(self, call: NodeCall, business: Business) -> _Answers:
        def read(account: Account) -> dict[str, Any]:
            node = account_node(
                account, self.world, call.now, business=self.access.owner(account.id, account.business),
                tasks=self.access.tasks_of(call.token.subject_id, account.id),
            )
            return select_fields(node, call.fields, ("id", "account_id"))

        accounts = self.world.accounts.values()
        return {
            "owned_ad_accounts": lambda: paginate(call.request, self._owned(accounts, business), read),
            "client_ad_accounts": lambda: paginate(call.request, self._of_clients(accounts, business), read),
        }

    def _page_edges(self, call: NodeCall, business: Business) -> _Answers:
        """Return the edges to Pages and Instagram accounts. Only a Page that people reach shows its token."""

        def read(page: Page) -> dict[str, Any]:
            node = self.page_node(call, page, has_business=True)
            token = node["access_token"] if self.access.is_reachable(page.id, call.token.subject_id) else None
            return select_fields({**node, "access_token": token}, call.fields, _NAMED)

        def instagram(page: Page) -> dict[str, Any]:
            owner = business_field(self.access.owner(page.id, page.business))
            node = {
                "_type": "IGUser", "id": page.instagram_id, "username": page.instagram_name, "name": page.name,
                "owner_business": owner,
            }
            return select_fields(node, call.fields, ("id",))

        def instagram_asset(page: Page) -> dict[str, Any]:
            node = {
                "_type": "InstagramBusinessAsset", "id": f"8{page.id}", "ig_user_id": page.instagram_id,
                "ig_username": page.instagram_name,
            }
            return select_fields(node, call.fields, ("id",))

        pages = self.world.pages.values()
        return {
            "owned_pages": lambda: paginate(call.request, self._owned(pages, business), read),
            "client_pages": lambda: paginate(call.request, self._of_clients(pages, business), read),
            "owned_instagram_accounts": lambda: paginate(call.request, self._owned(pages, business), instagram),
            "client_instagram_assets": lambda: paginate(
                call.request, self._of_clients(pages, business), instagram_asset
            ),
        }

    def _shared_edges(self, call: NodeCall, business: Business) -> _Answers:
        """Return the edges to pixels and catalogs."""

        def read(asset: SharedAsset) -> dict[str, Any]:
            owner = business_field(self.access.owner(asset.id, asset.business))
            node = {
                "_type": "AdsPixel", "id": asset.id, "name": asset.name, "owner_business": owner, "business": owner,
            }
            return select_fields(node, call.fields, _NAMED)

        return {
            f"{relation}_{plural}": lambda assets=assets, select=select: paginate(  # type: ignore[misc]
                call.request, select(assets, business), read
            )
            for plural, assets in (("pixels", PIXELS), ("product_catalogs", CATALOGS))
            for relation, select in (("owned", self._owned), ("client", self._of_clients))
        }

    def _pending_edges(self, call: NodeCall, business: Business) -> _Answers:
        """Return the edges to requests that nobody has answered."""

        def read(share: Share) -> dict[str, Any]:
            id = f"act_{share.node_id}" if share.kind == "ad_account" else share.node_id
            node = {"_type": "BusinessRequest", "id": share.request_id, share.kind: {"id": id, "name": share.name}}
            return select_fields(node, call.fields, ("id", share.kind))

        def pending(kind: str) -> dict[str, Any]:
            return paginate(call.request, self.shares.pending(business, kind), read)

        return {
            "pending_client_pages": lambda: pending("page"),
            "pending_client_ad_accounts": lambda: pending("ad_account"),
            "pending_owned_pages": lambda: paginate(call.request, [], read),
            "pending_owned_ad_accounts": lambda: paginate(call.request, [], read),
        }

    def _partner_edges(self, call: NodeCall, business: Business) -> _Answers:
        """Return the edges to other portfolios and to system users."""
        is_agency = business == OWN_BUSINESS
        clients, agencies = (CLIENT_BUSINESSES, ()) if is_agency else ((), (OWN_BUSINESS,))
        return {
            "clients": lambda: paginate(call.request, clients, lambda client: read_business(call, client)),
            "agencies": lambda: paginate(call.request, agencies, lambda agency: read_business(call, agency)),
            "system_users": lambda: self.system_users.answer(call, business),
        }

    def _owned(self, items: Iterable[OwnedT], business: Business) -> list[OwnedT]:
        return [item for item in items if self.access.owner(item.id, item.business) == business]

    def _of_clients(self, items: Iterable[OwnedT], business: Business) -> list[OwnedT]:
        """Return what other portfolios share with the agency now; nothing is shared with a client."""
        return [
            item for item in items
            if business == OWN_BUSINESS and self.access.tasks.get(item.id) != []
            and (owner := self.access.owner(item.id, item.business)) is not None and owner != business
        ]


def read_business(call: NodeCall, business: Business) -> dict[str, Any]:
    """Return the requested fields of a portfolio."""
    node = {
        "_type": "Business", "id": business.id, "name": business.name, "verification_status": "verified",
        "created_time": "2020-01-01T00:00:00+0000", "timezone_id": 1, "primary_page": None, "link": None,
        "two_factor_type": "none",
    }
    return select_fields(node, call.fields, _NAMED)
