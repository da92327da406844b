"""Publishing on Instagram: a container, its processing, then the media (docs/graph-api.md §12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.sandbox.instagram.media import (
    CAROUSEL,
    CAROUSEL_CHILD,
    IMAGE,
    REELS,
    STORY,
    MediaLibrary,
    Publication,
)
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_path
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.publishing.containers import Container
from meta_pipeline.sandbox.publishing.rules import CHILDREN, DAY, PublishingOptions, check_caption, flag, missing
from meta_pipeline.sandbox.publishing.shelf import Shelf, within_a_day
from meta_pipeline.sandbox.publishing.uploads import INSTAGRAM_UPLOADS, Uploads
from meta_pipeline.sandbox.world.entities import Page

EDGES = ("media", "media_publish")
QUOTA_EDGE = "content_publishing_limit"
# The values of `media_type` that a container accepts.
_MEDIA_TYPES = (None, "IMAGE", "VIDEO", "REELS", "STORIES", "CAROUSEL")


class InstagramPublishing:
    """Answers the writes on Instagram accounts, and the quota."""

    def __init__(self, *, library: MediaLibrary, shelf: Shelf, uploads: Uploads, options: PublishingOptions) -> None:
        self.library, self.shelf, self.uploads, self.options = library, shelf, uploads, options

    def publish(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return the answer to a POST on an edge of an account, whose token and task were checked."""
        if call.edge == "media":
            return self._create(call, page)
        if call.edge == "media_publish":
            return self._publish(call, page)
        raise unknown_path(call.request.path)

    def quota(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return how much of the account's quota is used."""
        since = call.request.params.get("since", "")
        start = dt.datetime.fromtimestamp(int(since), dt.UTC) if since.isdigit() else call.now - DAY
        if start < call.now - DAY - dt.timedelta(minutes=1):
            raise GraphApiError("(#100) Param since must be within the last 24 hours", 100)
        row: dict[str, Any] = {
            "quota_usage": within_a_day(self.shelf.published, page.instagram_id, call.now, start),
            "config": {"quota_total": self.options.instagram_quota, "quota_duration": 86_400},
        }
        names = (call.fields or "quota_usage").split(",")
        return {"data": [{name: row[name] for name in names if name in row}]}

    def _create(self, call: NodeCall, page: Page) -> dict[str, Any]:
        params = call.request.params
        media_type = params.get("media_type")
        if media_type not in _MEDIA_TYPES:
            raise GraphApiError(f"(#100) media_type must be one of {_MEDIA_TYPES[1:]}", 100, subcode=2207023)
        is_item, is_upload = flag(call, "is_carousel_item"), params.get("upload_type") == "resumable"
        address = params.get("video_url") or params.get("image_url")
        children = tuple(call.request.list_param("children"))
        if media_type == "CAROUSEL":
            self._check_children(children, page, call.now)
        elif not address and not is_upload:
            raise missing("image_url")
        if address:
            self.options.check_fetchable(address)
        is_video = bool(params.get("video_url")) or is_upload
        if media_type == "VIDEO" and not is_item:
            raise GraphApiError("(#100) The VIDEO media type is no longer supported: use REELS", 100, subcode=2207067)
        if media_type == "REELS" and not is_video:
            raise missing("video_url")
        caption = params.get("caption", "")
        check_caption(caption)
        container = Container(
            id=self.shelf.container_id(page.instagram_id), page=page, kind=_kind(media_type, is_item=is_item),
            created_at=call.now, expires_at=call.now + dt.timedelta(hours=self.options.container_hours),
            processing_s=self.options.processing_s if is_video else 0, caption=caption, is_video=is_video,
            is_ai_generated=flag(call, "is_ai_generated"), is_item=is_item, children=children,
            fails=self.options.fails(caption, address or ""),
        )
        self.shelf.containers[container.id] = container
        if not is_upload:
            return {"id": container.id}
        container.upload = self.uploads.open(container.id, call.token.subject_id)
        request = call.request
        return {
            "id": container.id, "uri": f"{request.base_url}/{INSTAGRAM_UPLOADS}/{request.version}/{container.id}",
        }

    def _check_children(self, children: tuple[str, ...], page: Page, now: dt.datetime) -> None:
        if len(children) not in CHILDREN:
            raise GraphApiError("(#100) A carousel has 2 to 10 children", 100, subcode=2207068)
        for child_id in children:
            child = self.shelf.containers.get(child_id)
            if child is None or child.page != page or not child.is_item or child.status_code(now) != "FINISHED":
                raise GraphApiError("(#100) A child of the carousel is not ready", 100, subcode=2207061)

    def _publish(self, call: NodeCall, page: Page) -> dict[str, Any]:
        container = self.shelf.containers.get(call.request.params.get("creation_id", ""))
        if container is None or container.page != page or container.is_item:
            raise GraphApiError(
                "(#24) The requested resource does not exist", 24, subcode=2207006,
                user_msg="The media with this creation_id can't be found.",
            )
        match container.status_code(call.now):
            case "PUBLISHED":
                raise GraphApiError("(#100) The container was published before", 100, subcode=2207062)
            case "EXPIRED":
                raise GraphApiError(
                    "The media you are trying to access has expired. Please try to upload again.", -2, subcode=2207020,
                )
            case "IN_PROGRESS" | "ERROR":
                raise GraphApiError(
                    "Media ID is not available", 9007, subcode=2207027, user_title="Media is not ready for publishing",
                    user_msg="The media is not ready for publishing, please wait for a moment",
                )
        used = within_a_day(self.shelf.published, page.instagram_id, call.now, call.now - DAY)
        if used >= self.options.instagram_quota:
            raise GraphApiError(
                "Application request limit reached", 9, subcode=2207042,
                user_title="Maximum number of posts reached",
                user_msg="You reached maximum number of posts that is allowed to be published by Content Publishing "
                "API.",
            )
        self.shelf.published.setdefault(page.instagram_id, []).append(call.now)
        children = tuple(self.shelf.containers[child_id] for child_id in container.children)
        container.media_id = self.library.add(Publication(
            page=page, kind=container.kind, published_at=call.now, caption=container.caption or None,
            is_video=container.is_video, is_ai_generated=container.is_ai_generated,
            videos_in_carousel=tuple(child.is_video for child in children),
        ))
        for child in children:
            child.media_id = container.media_id
        return {"id": container.media_id}


def _kind(media_type: str | None, *, is_item: bool) -> str:
    if is_item:
        return CAROUSEL_CHILD
    return {"CAROUSEL": CAROUSEL, "REELS": REELS, "STORIES": STORY}.get(media_type or "", IMAGE)
