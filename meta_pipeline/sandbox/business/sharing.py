"""The calls that share nodes between portfolios: requests, and access given by an owner (docs/graph-api.md §5.3). An
app that is not allow-listed may send none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.business.shares import PENDING, Shares
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.cast import BUSINESSES, OWN_BUSINESS
from meta_pipeline.sandbox.world.entities import Account, Page
from meta_pipeline.sandbox.world.world import World

REQUEST_EDGES = {"client_ad_accounts": "adaccount_id", "client_pages": "page_id"}
_TASKS = {
    "ad_account": frozenset(("AA_ANALYZE", "ADVERTISE", "ANALYZE", "DRAFT", "MANAGE")),
    "page": frozenset(("ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE")),
}


@dataclass(frozen=True)
class SharingEdges:
    """Answers the writing calls of shares, and lists the partners of a node."""

    world: World
    access: NodeAccess
    shares: Shares

    def request(self, call: NodeCall) -> dict[str, Any]:
        """Request a node of another portfolio (`POST /{business}/client_pages`)."""
        self._check(call)
        node_id = call.request.params.get(REQUEST_EDGES[call.edge], "").removeprefix("act_")
        pending = self.shares.find(node_id, OWN_BUSINESS)
        node = self._node(node_id) or (pending.node if pending else None)
        if node is None or call.node_id != OWN_BUSINESS.id:
            raise unknown_object(node_id)
        tasks = self._tasks(call, node)
        if pending is None or pending.status != PENDING:
            self.shares.request(node, agency=OWN_BUSINESS, tasks=tasks, now=call.now)
        return {"access_status": "PENDING"}

    def answer_agencies(self, call: NodeCall) -> dict[str, Any]:
        """List the partners that use a node, give it to one, or take it back (`/{node}/agencies`)."""
        node = self._node(call.node_id.removeprefix("act_"))
        if node is None or node.business != OWN_BUSINESS:
            raise unknown_object(call.node_id)
        if call.request.method == "GET":
            require_scope(call.token, "business_management")
            return paginate(call.request, self.shares.agencies(node.id), lambda share: {
                "id": share.agency.id, "name": share.agency.name,
            })
        self._check(call)
        if isinstance(node, Page) and call.token.page_id != node.id:
            raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
        partner = BUSINESSES.get(call.request.params.get("business", ""))
        if partner is None or partner == OWN_BUSINESS:
            raise GraphApiError("(#100) Invalid parameter: business", 100)
        if call.request.method == "DELETE":
            return {"success": self.shares.take_back(node.id, agency=partner, now=call.now)}
        share = self.shares.give(node, agency=partner, tasks=self._tasks(call, node), now=call.now)
        return {"success": True, **({"requires_admin_approval": True} if share.status == PENDING else {})}

    def _check(self, call: NodeCall) -> None:
        require_scope(call.token, "business_management")
        if call.request.method not in ("POST", "DELETE"):
            raise unknown_path(call.request.path)
        if not self.shares.is_allow_listed:
            raise GraphApiError("(#3) Application does not have the capability to make this API call.", 3)

    def _node(self, node_id: str) -> Account | Page | None:
        return self.world.accounts.get(node_id) or self.world.pages.get(node_id)

    def _tasks(self, call: NodeCall, node: Account | Page) -> list[str]:
        tasks = call.request.list_param("permitted_tasks")
        if not tasks or set(tasks) - _TASKS["ad_account" if isinstance(node, Account) else "page"]:
            raise GraphApiError("(#100) Invalid task combination", 100, subcode=1752129)
        return tasks
