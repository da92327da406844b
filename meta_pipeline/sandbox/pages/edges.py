"""Facebook Pages: the nodes and the list of a person's Pages (docs/graph-api.md §4.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.pages.insights import page_insights
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import AccessToken, require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.nodes import page_node
from meta_pipeline.sandbox.world.world import World

_LISTED_FIELDS = ("access_token", "category", "category_list", "name", "id", "tasks")


@dataclass(frozen=True, kw_only=True)
class PageEdges:
    """Answers the paths of Pages.

    `page_token` returns the token of a Page (by id) through the person behind a token.
    """

    world: World
    access: NodeAccess
    page_token: Callable[[str, AccessToken, dt.datetime], str]

    def list_pages(self, call: NodeCall) -> dict[str, Any]:
        """Return the Pages that a person reaches, with their tokens (`me/accounts`)."""
        require_scope(call.token, "pages_show_list")
        has_business = "business_management" in call.token.scopes
        pages = [page for page in self.world.pages.values() if self.access.is_reachable(page.id)]
        return paginate(call.request, pages, lambda page: select_fields(
            page_node(page, self._token(call, page), has_business=has_business, tasks=self.access.tasks.get(page.id)),
            call.fields, _LISTED_FIELDS,
        ))

    def find(self, node_id: str) -> Page | None:
        """Return the Page with this id."""
        return self.world.pages.get(node_id)

    def answer(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return a Page, or its insights."""
        if call.edge == "insights":
            return page_insights(call, page, self.world.seed, may_read=self.access.may_read(page.id))
        return select_fields(page_node(page, self._token(call, page), has_business=True), call.fields, ("id", "name"))

    def _token(self, call: NodeCall, page: Page) -> str:
        return self.page_token(page.id, call.token, call.now)

