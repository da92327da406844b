"""Facebook Pages: the nodes, the list of a person's Pages and the edges of a Page and its posts (docs/graph-api.md §3,
§4.3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Any

from meta_pipeline.sandbox.metrics.windows import parse_time
from meta_pipeline.sandbox.pages.insights import page_insights
from meta_pipeline.sandbox.pages.page_days import PageDays, latest_day
from meta_pipeline.sandbox.pages.post_insights import post_insights
from meta_pipeline.sandbox.pages.post_nodes import DEFAULT_FIELDS, PEOPLES_EDGES, peoples_edge, post_node
from meta_pipeline.sandbox.pages.posts import PagePosts, Post
from meta_pipeline.sandbox.pages.query import check_page_token
from meta_pipeline.sandbox.protocol.errors import unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields, select_records
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import AccessToken, require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.nodes import page_node
from meta_pipeline.sandbox.world.world import World

POST_EDGES = ("posts", "published_posts", "feed")
_LISTED_FIELDS = ("access_token", "category", "category_list", "name", "id", "tasks")
_MAX_POSTS = 100  # of one page of posts, also when `limit` is larger


class PageEdges:
    """Answers the paths of Pages and their posts.

    `page_token` returns the token of a Page (by id) through the person behind a token.
    """

    def __init__(
        self, *, world: World, access: NodeAccess, page_token: Callable[[str, AccessToken, dt.datetime], str]
    ) -> None:
        self.world, self.access, self._page_token = world, access, page_token
        self.days, self.posts = PageDays(world), PagePosts(world)

    def list_pages(self, call: NodeCall) -> dict[str, Any]:
        """Return the Pages that a person reaches, with their tokens (`me/accounts`)."""
        require_scope(call.token, "pages_show_list")
        has_business = "business_management" in call.token.scopes
        pages = [
            page for page in self.world.pages.values() if self.access.is_reachable(page.id, call.token.subject_id)
        ]
        return paginate(call.request, pages, lambda page: select_fields(
            self.node(
                call, page, has_business=has_business, tasks=self.access.tasks_of(call.token.subject_id, page.id)
            ),
            call.fields, _LISTED_FIELDS,
        ))

    def find(self, node_id: str) -> Page | None:
        """Return the Page with this id."""
        return self.world.pages.get(node_id)

    def find_post(self, node_id: str, now: dt.datetime) -> Post | None:
        """Return the post with this id (`<page>_<post>`), unless it is deleted."""
        return self.posts.find(node_id, now) if "_" in node_id else None

    def answer(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return a Page, its insights, or a page of its posts."""
        if call.edge == "":
            return select_fields(self.node(call, page, has_business=True), call.fields, ("id", "name"))
        if call.edge.partition("/")[0] == "insights":
            check_page_token(call, page.id, self.access)
            return select_records(page_insights(call, page.id, self.days), call.fields)
        if call.edge in POST_EDGES:
            return self._list_posts(call, page)
        raise unknown_path(call.request.path)

    def answer_post(self, call: NodeCall, post: Post) -> dict[str, Any]:
        """Return a post, its insights, or the number of people's reactions, likes or comments."""
        check_page_token(call, post.page_id, self.access)
        if call.edge == "":
            return select_fields(post_node(call, post, self.world), call.fields, DEFAULT_FIELDS)
        if call.edge.partition("/")[0] == "insights":
            return select_records(post_insights(call, call.request, post, self.world), call.fields)
        if call.edge in PEOPLES_EDGES:
            return peoples_edge(call, post, self.world, call.edge, call.request.params)
        raise unknown_path(call.request.path)

    def _list_posts(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return a page of posts, newest first, published between `since` and `until`."""
        check_page_token(call, page.id, self.access)
        since, until = (parse_time(call.request, name, call.now) for name in ("since", "until"))
        posts = [
            post for post in self.posts.published(page.id, call.now)
            if post.exists(call.now) and (since is None or post.created_at >= since)
            and (until is None or post.created_at <= until)
        ]
        request, limit = call.request, call.request.params.get("limit", "")
        if limit.isdigit() and int(limit) > _MAX_POSTS:
            request = dataclasses.replace(request, params={**request.params, "limit": str(_MAX_POSTS)})
        return paginate(
            request, posts,
            lambda post: select_fields(post_node(call, post, self.world), call.fields, DEFAULT_FIELDS),
            key=lambda post: f"{post.created_at.isoformat()} {post.id}",
        )

    def node(
        self, call: NodeCall, page: Page, *, has_business: bool, tasks: list[str] | None = None
    ) -> dict[str, Any]:
        """Return a Page with every field, its token and the expansion of its insights included."""
        token = self._page_token(page.id, call.token, call.now)
        followers = self.days.followers(page.id, latest_day(call.now))
        owner = self.access.owner(page.id, page.business) if has_business else None
        return {
            **page_node(page, token, business=owner, tasks=tasks),
            "fan_count": followers * 97 // 100, "followers_count": followers,
            "insights": functools.partial(self._expanded_insights, call, page),
        }

    def _expanded_insights(self, call: NodeCall, page: Page, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Return a Page's insights as the expansion of its field `insights` with these arguments."""
        check_page_token(call, page.id, self.access)
        params = {"access_token": call.request.token_text or "", **arguments}
        request = dataclasses.replace(call.request, path=f"{page.id}/insights", params=params)
        return page_insights(dataclasses.replace(call, request=request), page.id, self.days)
