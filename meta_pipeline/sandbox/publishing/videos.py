"""The videos and photos of Pages before they are posts: uploaded, processed, then published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.metrics.pacific import graph_time
from meta_pipeline.sandbox.pages.posts import PagePosts, Post
from meta_pipeline.sandbox.publishing.uploads import Upload


@dataclass(kw_only=True)
class Photo:
    """A photo of a Page that no post shows yet."""

    id: str
    page_id: str
    url: str | None
    created_at: dt.datetime


@dataclass(kw_only=True)
class Video:
    """A video of a Page. `kind`: video, reel or story; `finished_at`: when the last phase was requested; `post`: the
    post that it becomes, unless its processing `fails`."""

    id: str
    page_id: str
    kind: str
    created_at: dt.datetime
    upload: Upload
    description: str = ""
    is_ai_generated: bool = False
    finished_at: dt.datetime | None = None
    ready_at: dt.datetime | None = None
    post: Post | None = None
    fails: bool = False

    def is_ready(self, now: dt.datetime) -> bool:
        """Check whether the processing is over."""
        return self.ready_at is not None and self.ready_at <= now

    def node(self, now: dt.datetime, posts: PagePosts) -> dict[str, Any]:
        """Return the fields of the video as Graph returns them."""
        is_published = self.is_ready(now) and self.post is not None and self.post.created_at <= now
        return {
            "_type": "Video", "_shown": ("id",), "id": self.id, "created_time": graph_time(self.created_at),
            "description": self.description or None, "is_ai_generated": self.is_ai_generated, "length": 12.0,
            "post_id": self.post.id if self.post is not None and self.is_ready(now) else None,
            "published": is_published, "permalink_url": f"/reel/{self.id}/", "title": None,
            "updated_time": graph_time(self.finished_at or self.created_at),
            "scheduled_publish_time": (
                graph_time(self.post.created_at) if self.post is not None and not is_published else None
            ),
            "status": self._status(now, is_published=is_published),
        }

    def _status(self, now: dt.datetime, *, is_published: bool) -> dict[str, Any]:
        is_over = self.is_ready(now)
        error = {"errors": [{"code": 1363008, "message": "Video Creation failed, please try again."}]}
        video_status = "upload_complete" if self.upload.is_complete else "uploading"
        if self.finished_at is not None:
            video_status = "error" if is_over and self.fails else "ready" if is_over else "processing"
        publishing: dict[str, Any] = {"status": "not_started"}
        if self.post is not None and is_over:
            publishing = {
                "status": "complete" if is_published else "not_started",
                "publish_status": "published" if is_published else "scheduled",
                "publish_time": graph_time(self.post.created_at),
            }
        processing: dict[str, Any] = {"status": "complete" if is_over else "not_started"}
        if is_over and self.fails:
            processing = {"status": "error", **error}
        return {
            "video_status": video_status, "uploading_phase": self.upload.phase(), "processing_phase": processing,
            "publishing_phase": publishing,
        }
