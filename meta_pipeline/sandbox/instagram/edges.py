"""Instagram accounts, their media and stories: the nodes and their edges (docs/graph-api.md §3.4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.instagram.account_insights import AccountInsights
from meta_pipeline.sandbox.instagram.account_values import AccountValues
from meta_pipeline.sandbox.instagram.demographics import Demographics
from meta_pipeline.sandbox.instagram.media import CAROUSEL, Media, MediaLibrary
from meta_pipeline.sandbox.instagram.media_insights import MediaInsights
from meta_pipeline.sandbox.instagram.media_values import MediaValues
from meta_pipeline.sandbox.instagram.rules import check_access
from meta_pipeline.sandbox.metrics.windows import parse_time
from meta_pipeline.sandbox.protocol.errors import unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World

_COUNTS = {
    "like_count": "likes", "comments_count": "comments", "view_count": "views", "saved_count": "saved",
    "shares_count": "shares", "reposts_count": "reposts", "total_like_count": "total_likes",
    "total_comments_count": "total_comments", "total_views_count": "total_views",
}


class InstagramEdges:
    """Answers the paths of Instagram accounts and of their media."""

    def __init__(self, *, world: World, access: NodeAccess) -> None:
        self.world, self.access = world, access
        self.values = AccountValues(world)
        self.demographics = Demographics(world, self.values)
        self.library = MediaLibrary(world)
        self.media_values = MediaValues(world)
        self._account_insights = AccountInsights(values=self.values, demographics=self.demographics)
        self._media_insights = MediaInsights(values=self.media_values)

    def find(self, node_id: str) -> Page | None:
        """Return the Page whose Instagram account has this id."""
        return next((page for page in self.world.pages.values() if page.instagram_id == node_id), None)

    def find_media(self, node_id: str, now: dt.datetime) -> Media | None:
        """Return the media object or live story with this id; None for one that is deleted or has ended."""
        return self.library.find(node_id, now)

    def account_id_of(self, node_id: str) -> str | None:
        """Return the Instagram account whose limits a node's calls count against; None for a node of another kind."""
        page = self.find(node_id) or self.library.page_of(node_id)
        return page.instagram_id if page else None

    def answer(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return an Instagram account or one of its edges."""
        match call.edge:
            case "":
                check_access(call, page, self.access, is_insights=False)
                return select_fields(self._account_node(call, page), call.fields, ("id",))
            case "insights":
                return _selected(call, self._read_account_insights(call, page))
            case "media":
                return self._list(call, page, self._listed(call, page))
            case "stories":
                return self._list(call, page, self.library.live_stories(page, call.now))
        raise unknown_path(call.edge)

    def answer_media(self, call: NodeCall, media: Media) -> dict[str, Any]:
        """Return a media object, its insights or the children of a carousel."""
        match call.edge:
            case "":
                check_access(call, media.page, self.access, is_insights=False)
                return select_fields(self._media_node(call, media), call.fields, ("id",))
            case "insights":
                return _selected(call, self._read_media_insights(call, media))
            case "children":
                return self._list(call, media.page, self.library.children(media))
        raise unknown_path(call.edge)

    def _read_account_insights(self, call: NodeCall, page: Page) -> dict[str, Any]:
        check_access(call, page, self.access, is_insights=True)
        return _as_nodes(self._account_insights.answer(call, page))

    def _read_media_insights(self, call: NodeCall, media: Media) -> dict[str, Any]:
        check_access(call, media.page, self.access, is_insights=True)
        return _as_nodes(self._media_insights.answer(call, media))

    def _list(self, call: NodeCall, page: Page, items: list[Media]) -> dict[str, Any]:
        check_access(call, page, self.access, is_insights=False)
        return paginate(
            call.request, items, lambda media: select_fields(self._media_node(call, media), call.fields, ("id",))
        )

    def _listed(self, call: NodeCall, page: Page) -> list[Media]:
        """Return the media that exist, newest first, within the request's `since` and `until`."""
        since = parse_time(call.request, "since", call.now)
        until = parse_time(call.request, "until", call.now)
        return [
            media for media in self.library.published(page, call.now)
            if media.exists(call.now)
            and (since is None or since <= media.published_at) and (until is None or media.published_at < until)
        ]

    def _account_node(self, call: NodeCall, page: Page) -> dict[str, Any]:
        def read_media(arguments: Mapping[str, str]) -> dict[str, Any]:
            inner = _expanded(call, page.instagram_id, "media", arguments)
            return paginate(inner.request, self._listed(inner, page), lambda media: self._media_node(inner, media))

        def read_stories(arguments: Mapping[str, str]) -> dict[str, Any]:
            inner = _expanded(call, page.instagram_id, "stories", arguments)
            stories = self.library.live_stories(page, call.now)
            return paginate(inner.request, stories, lambda media: self._media_node(inner, media))

        return {
            "_type": "IGUser", "id": page.instagram_id, "username": page.instagram_name, "name": page.name,
            "ig_id": int(page.instagram_id[-10:]), "followers_count": self.values.followers(page, call.now),
            "follows_count": 120, "media_count": sum(
                media.exists(call.now) for media in self.library.published(page, call.now)
            ),
            "biography": f"{page.name} ✨", "website": f"https://example.com/{page.instagram_name}",
            "profile_picture_url": f"https://scontent.cdninstagram.com/v/{page.instagram_id}.jpg",
            "has_profile_pic": True, "is_published": True, "owner_business": {"id": page.business.id},
            "insights": lambda arguments: self._read_account_insights(
                _expanded(call, page.instagram_id, "insights", arguments), page
            ),
            "media": read_media, "stories": read_stories,
        }

    def _media_node(self, call: NodeCall, media: Media) -> dict[str, Any]:
        values = self.media_values.values(media, call.now)

        def read_children(_: Mapping[str, str]) -> dict[str, Any]:
            return {"data": [self._media_node(call, child) for child in self.library.children(media)]}

        return {
            "_type": "IGMedia", "_shown": ("id",), **self.library.fields(media, call.now),
            **media_counts(values),
            "children": read_children if media.kind == CAROUSEL else None,
            "insights": lambda arguments: self._read_media_insights(
                _expanded(call, media.id, "insights", arguments), media
            ),
        }


def _as_nodes(response: dict[str, Any]) -> dict[str, Any]:
    """Return the response with entries from which fields can be selected."""
    return {**response, "data": [
        {"_type": "InstagramInsightsResult", "_shown": tuple(entry), "values": None, "total_value": None, **entry}
        for entry in response["data"]
    ]}


def _selected(call: NodeCall, response: dict[str, Any]) -> dict[str, Any]:
    return {**response, "data": [select_fields(node, call.fields, node["_shown"]) for node in response["data"]]}


def media_counts(values: Mapping[str, int | float]) -> dict[str, int | float | None]:
    """Return the fields of a media object that are counts, from its lifetime values."""
    return {field: values.get(metric) for field, metric in _COUNTS.items()}


def _expanded(call: NodeCall, node_id: str, edge: str, arguments: Mapping[str, str]) -> NodeCall:
    """Return the call to an edge that is expanded in `fields`: the arguments of its expansion are the parameters."""
    token = {name: value for name, value in call.request.params.items() if name == "access_token"}
    request = dataclasses.replace(call.request, path=f"{node_id}/{edge}", params={**token, **arguments})
    return dataclasses.replace(call, request=request, node_id=node_id, edge=edge)
