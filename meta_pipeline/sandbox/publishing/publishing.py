"""Publishing: recognize the calls that belong to it, and route each to the code that answers it."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.instagram.edges import InstagramEdges
from meta_pipeline.sandbox.metrics.pacific import graph_time
from meta_pipeline.sandbox.pages.edges import PageEdges
from meta_pipeline.sandbox.pages.post_nodes import DEFAULT_FIELDS, post_node
from meta_pipeline.sandbox.pages.query import check_page_token
from meta_pipeline.sandbox.protocol.errors import unknown_path
from meta_pipeline.sandbox.protocol.faults import Faults
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.publishing import instagram_media, page_posts
from meta_pipeline.sandbox.publishing.instagram_media import QUOTA_EDGE, InstagramPublishing
from meta_pipeline.sandbox.publishing.page_posts import PagePublishing
from meta_pipeline.sandbox.publishing.rules import (
    DAY,
    PublishingOptions,
    check_instagram_write,
    check_page_write,
)
from meta_pipeline.sandbox.publishing.shelf import Shelf
from meta_pipeline.sandbox.publishing.uploads import Uploads
from meta_pipeline.sandbox.world.access import NodeAccess

_VIDEO_FIELDS, _CONTAINER_FIELDS = ("description", "updated_time", "id"), ("id",)
_LISTS_OF_PAGE = ("scheduled_posts", "stories", "videos", "video_reels")
_PUBLISH, _MANAGE = "instagram_content_publish", "instagram_manage_contents"


class Publishing:
    """Everything that apps publish, or are about to publish, on Pages and on Instagram."""

    def __init__(
        self, *, pages: PageEdges, instagram: InstagramEdges, access: NodeAccess, faults: Faults
    ) -> None:
        self.pages, self.instagram, self.access = pages, instagram, access
        self.options, self.shelf, self.uploads = PublishingOptions(), Shelf(), Uploads(faults)
        shared = {"shelf": self.shelf, "uploads": self.uploads, "options": self.options}
        self.on_pages = PagePublishing(posts=pages.posts, **shared)  # type: ignore[arg-type]
        self.on_instagram = InstagramPublishing(library=instagram.library, **shared)  # type: ignore[arg-type]

    def answer(self, call: NodeCall) -> Any:
        """Return the answer to a call that belongs to publishing; None for every other call."""
        node_id, method = call.node_id, call.request.method
        if page := self.pages.find(node_id):
            if method == "POST" and call.edge in page_posts.EDGES:
                check_page_write(call, node_id, self.access)
                return self.on_pages.publish(call, node_id)
            if method == "GET" and call.edge in _LISTS_OF_PAGE:
                return self._list(call, page.id)
        if account := self.instagram.find(node_id):
            if call.edge == QUOTA_EDGE:
                check_instagram_write(call, account, self.access, scope=_PUBLISH)
                return self.on_instagram.quota(call, account)
            if method == "POST" and call.edge in instagram_media.EDGES:
                check_instagram_write(call, account, self.access, scope=_PUBLISH)
                return self.on_instagram.publish(call, account)
        if container := self.shelf.containers.get(node_id):
            check_instagram_write(call, container.page, self.access, scope=_PUBLISH)
            return select_fields(container.node(call.now), call.fields, _CONTAINER_FIELDS)
        return self._answer_object(call)

    def _answer_object(self, call: NodeCall) -> Any:
        """Return the answer to a call about a post, a video, a photo or media; None for a call that only reads what is
        published."""
        node_id, method = call.node_id, call.request.method
        if video := self.shelf.videos.get(node_id):
            if method == "DELETE":
                check_page_write(call, video.page_id, self.access)
                return self.on_pages.remove_video(call, video)
            check_page_token(call, video.page_id, self.access)
            return select_fields(video.node(call.now, self.pages.posts), call.fields, _VIDEO_FIELDS)
        if photo := self.shelf.photos.get(node_id):
            if method == "DELETE":
                check_page_write(call, photo.page_id, self.access)
                del self.shelf.photos[node_id]
                return {"success": True}
            check_page_token(call, photo.page_id, self.access)
            node = {
                "_type": "Photo", "_shown": ("id",), "id": photo.id, "created_time": graph_time(photo.created_at),
                "name": None, "page_story_id": None, "link": None, "updated_time": graph_time(photo.created_at),
            }
            return select_fields(node, call.fields, ("created_time", "id"))
        scheduled = self.pages.posts.find_scheduled(node_id, call.now)
        post = scheduled or self.pages.find_post(node_id, call.now)
        if post is not None and call.edge == "" and method in ("POST", "DELETE"):
            check_page_write(call, post.page_id, self.access)
            return self.on_pages.edit(call, post) if method == "POST" else self.on_pages.remove_post(call, post)
        if scheduled is not None and call.edge == "":
            check_page_token(call, scheduled.page_id, self.access)
            return select_fields(post_node(call, scheduled, self.pages.world), call.fields, DEFAULT_FIELDS)
        media = self.instagram.find_media(node_id, call.now) if method == "DELETE" else None
        if media is not None:
            check_instagram_write(call, media.page, self.access, scope=_MANAGE)
            self.instagram.library.change({"id": node_id, "delete": True}, call.now)
            return {"success": True}
        return None

    def _list(self, call: NodeCall, page_id: str) -> Any:
        check_page_token(call, page_id, self.access)
        if call.edge == "scheduled_posts":
            posts = self.on_pages.scheduled(page_id, call.now)
            return paginate(call.request, posts, lambda post: select_fields(
                post_node(call, post, self.pages.world), call.fields, DEFAULT_FIELDS
            ))
        if call.edge == "stories":
            stories = [
                story for story in reversed(self.shelf.stories)
                if story.page_id == page_id and story.created_at <= call.now < story.created_at + DAY
            ]
            return paginate(call.request, stories, lambda story: {
                "id": story.id, "post_id": story.id,
                "status": "PUBLISHED", "creation_time": str(int(story.created_at.timestamp())),
                "media_type": story.media_type, "media_id": story.media_id,
                "url": f"https://www.facebook.com/stories/{story.id}",
            })
        kinds = ("reel",) if call.edge == "video_reels" else ("video", "reel")
        videos = [
            video for video in reversed(self.shelf.videos.values())
            if video.page_id == page_id and video.kind in kinds and video.finished_at is not None
        ]
        if call.edge not in ("videos", "video_reels"):
            raise unknown_path(call.request.path)
        return paginate(call.request, videos, lambda video: select_fields(
            video.node(call.now, self.pages.posts), call.fields, _VIDEO_FIELDS
        ))

    def control(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set options; return all of them, and the numbers of containers, photos and videos."""
        return {
            **self.options.configure(body), "containers": len(self.shelf.containers), "photos": len(self.shelf.photos),
            "videos": len(self.shelf.videos),
        }
