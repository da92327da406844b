"""Posts as Graph returns them: their fields, and the people's reactions and comments (docs/graph-api.md §3.2)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.metrics.pacific import graph_time
from meta_pipeline.sandbox.pages.catalogue import POST_METRICS
from meta_pipeline.sandbox.pages.post_insights import expanded_insights
from meta_pipeline.sandbox.pages.post_values import lifetime_value
from meta_pipeline.sandbox.pages.posts import Post
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.world import World

READ_USER_CONTENT = "pages_read_user_content"
DEFAULT_FIELDS = ("created_time", "message", "id")
PEOPLES_EDGES = ("reactions", "likes", "comments")
STATUS_TYPES = {
    "photo": "added_photos", "video": "added_video", "link": "shared_story", "status": "mobile_status_update",
}


def post_node(call: NodeCall, post: Post, world: World) -> dict[str, Any]:
    """Return a post's fields; `insights`, `reactions`, `likes` and `comments` are edges."""
    now, address, is_scheduled = call.now, post.permalink(), post.created_at > call.now
    created_at = post.submitted_at or post.created_at if is_scheduled else post.created_at
    shares = lifetime_value(world, post, "post_clicks", POST_METRICS["post_clicks"], now)
    picture = f"https://scontent.example/{post.id}.jpg" if post.kind in ("photo", "video") else None
    return {
        "_type": "Post", "_shown": DEFAULT_FIELDS, "id": post.id, "created_time": graph_time(created_at),
        "updated_time": graph_time(post.updated_at(now)), "message": post.message_at(now) or None, "story": None,
        "permalink_url": address, "status_type": STATUS_TYPES[post.kind], "is_published": not is_scheduled,
        "is_hidden": False, "is_expired": False, "is_popular": False, "is_spherical": False,
        "is_eligible_for_promotion": True,
        "is_instagram_eligible": post.kind != "status", "promotable_id": post.id, "parent_id": None, "place": None,
        "from": {"name": world.pages[post.page_id].name, "id": post.page_id}, "full_picture": picture,
        "picture": picture,
        "attachments": None if post.kind == "status" else _attachments(post, address), "message_tags": None,
        "shares": {"count": shares // 12} if isinstance(shares, int) and shares >= 12 else None,
        "scheduled_publish_time": int(post.created_at.timestamp()) if is_scheduled else None,
        "timeline_visibility": "normal",
        "insights": functools.partial(expanded_insights, call, post, world),
        **{name: functools.partial(peoples_edge, call, post, world, name) for name in PEOPLES_EDGES},
    }


def peoples_edge(
    call: NodeCall, post: Post, world: World, name: str, arguments: Mapping[str, str]
) -> dict[str, Any]:
    """Return a post's reactions, likes or comments: their number with `summary`, never the people.

    Raise error 10 without `pages_read_user_content`; for likes its message names the wrong permission, as Meta's does.
    """
    if READ_USER_CONTENT not in call.token.scopes:
        missing = "pages_read_engagement" if name == "likes" else READ_USER_CONTENT
        raise GraphApiError(
            f"(#10) This endpoint requires the '{missing}' permission or the 'Page Public Content Access' feature.", 10,
            status=403,
        )
    response: dict[str, Any] = {"data": []}
    if arguments.get("summary", "false").lower() not in ("false", "0"):
        response["summary"] = {"total_count": _peoples_count(post, world, name, call)}
    return response


def _peoples_count(post: Post, world: World, name: str, call: NodeCall) -> int:
    metric = {
        "reactions": "post_reactions_by_type_total", "likes": "post_reactions_like_total", "comments": "post_clicks",
    }[name]
    value = lifetime_value(world, post, metric, POST_METRICS[metric], call.now)
    count = sum(value.values()) if isinstance(value, dict) else value or 0
    return count // 6 if name == "comments" else count


def _attachments(post: Post, address: str) -> dict[str, Any]:
    attachment = {"type": post.kind, "media_type": post.kind, "title": post.message, "url": address}
    return {"data": [{**attachment, "target": {"url": address}}]}
