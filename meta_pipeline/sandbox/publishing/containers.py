"""Instagram's containers: media that are fetched and processed before they are published (docs/graph-api.md §12)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.publishing.uploads import Upload
from meta_pipeline.sandbox.world.entities import Page


@dataclass(kw_only=True)
class Container:
    """A container of an account. `kind`: the kind of media that it becomes; `media_id`: the published media; `fails`:
    whether its processing fails; `upload`: None when the media are fetched from a URL."""

    id: str
    page: Page
    kind: str
    created_at: dt.datetime
    expires_at: dt.datetime
    processing_s: int
    caption: str = ""
    is_video: bool = False
    is_ai_generated: bool = False
    is_item: bool = False
    children: tuple[str, ...] = ()
    fails: bool = False
    upload: Upload | None = None
    uploaded_at: dt.datetime | None = None
    media_id: str | None = None

    def status_code(self, now: dt.datetime) -> str:
        """Return the container's status at a moment."""
        if self.media_id is not None:
            return "PUBLISHED"
        if now >= self.expires_at:
            return "EXPIRED"
        if self.upload is not None:
            if not self.upload.is_complete:
                return "IN_PROGRESS"
            self.uploaded_at = self.uploaded_at or now
        started_at = self.uploaded_at or self.created_at
        if now < started_at + dt.timedelta(seconds=self.processing_s):
            return "IN_PROGRESS"
        return "ERROR" if self.fails else "FINISHED"

    def node(self, now: dt.datetime) -> dict[str, Any]:
        """Return the fields of the container."""
        code = self.status_code(now)
        text = {"ERROR": "Error: Media upload has failed with error code 2207026"}.get(code, code.capitalize())
        video = {"uploading_phase": self.upload.phase()} if self.upload is not None else None
        return {
            "_type": "IGMediaBuilder", "_shown": ("id",), "id": self.id, "status_code": code, "status": text,
            "video_status": video, "copyright_check_status": None,
        }
