"""Instagram accounts: the nodes (docs/graph-api.md §3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World


@dataclass(frozen=True, kw_only=True)
class InstagramEdges:
    """Answers the paths of Instagram accounts."""

    world: World
    access: NodeAccess

    def find(self, node_id: str) -> Page | None:
        """Return the Page whose Instagram account has this id."""
        return next((page for page in self.world.pages.values() if page.instagram_id == node_id), None)

    def account_id_of(self, node_id: str) -> str | None:
        """Return the Instagram account whose limits a node's calls count against; None for a node of another kind."""
        return node_id if self.find(node_id) else None

    def answer(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return an Instagram account."""
        return select_fields(_account_node(page), call.fields, ("id",))


def _account_node(page: Page) -> dict[str, Any]:
    return {
        "_type": "IGUser", "id": page.instagram_id, "username": page.instagram_name, "name": page.name,
        "followers_count": 5400, "follows_count": 120, "media_count": 80, "biography": None, "website": None,
        "profile_picture_url": None,
    }
