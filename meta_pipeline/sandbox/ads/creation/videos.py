"""Videos of ad accounts: uploaded whole, by URL or in chunks, then processed for a while (docs/graph-api.md §10)."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.ads.creation.rules import required
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.faults import Faults, fault_response
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.entities import Account

_CHUNK = 1_048_576
RESEND = 1363037
_FIRST_ID = 4_700_000_000_000_000
_SMALLEST = 1024


@dataclass
class Video:
    """A video in an account's library; one that is being uploaded is not in it yet."""

    id: str
    account: Account
    created_at: dt.datetime
    file_size: int = 0
    title: str = ""
    is_ai_generated: bool = False
    content: bytearray = field(default_factory=bytearray)
    finished_at: dt.datetime | None = None
    has_failed: bool = False

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what was uploaded."""
        return hashlib.sha256(self.content).hexdigest()


class Videos:
    """The videos of one world. `processing_s`: how long Meta processes each; `fails`: whether processing the next ones
    fails; `chunk`: how many bytes of an upload it requests at a time."""

    def __init__(self, faults: Faults) -> None:
        self.by_id: dict[str, Video] = {}
        self.uploads: dict[str, Video] = {}
        self.processing_s, self.fails, self.chunk = 20.0, False, _CHUNK
        self._faults = faults
        self._count = 0

    def of(self, account: Account) -> list[Video]:
        """Return an account's library, the newest first."""
        return [video for video in self.by_id.values() if video.account is account][::-1]

    def upload(self, call: NodeCall, account: Account) -> Any:
        """Answer a POST to `advideos`."""
        match call.request.params.get("upload_phase", ""):
            case "start":
                return self._start(call, account)
            case "transfer":
                return self._transfer(call, account)
            case "finish":
                return self._finish(call, account)
            case "cancel":
                self.uploads.pop(required(call, "upload_session_id"), None)
                return {"success": True}
            case "":
                return self._whole(call, account)
        raise GraphApiError("(#100) Param upload_phase must be one of {cancel, finish, start, transfer}", 100)

    def node(self, video: Video, now: dt.datetime) -> dict[str, Any]:
        """Return a video's fields; it has a picture when it is ready."""
        status = self.status(video, now)
        picture = f"https://scontent.xx.fbcdn.net/v/t15/{video.id}_n.jpg" if status == "ready" else None
        return {
            "_type": "AdVideo", "_shown": ("id",), "id": video.id, "title": video.title or None,
            "created_time": video.created_at.strftime("%Y-%m-%dT%H:%M:%S+0000"), "picture": picture,
            "updated_time": (video.finished_at or video.created_at).strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "length": None, "description": None, "permalink_url": None, "source": None,
            "published": False, "status": {"video_status": status},
        }

    def status(self, video: Video, now: dt.datetime) -> str:
        """Return the processing status of a video."""
        if video.finished_at is None or (now - video.finished_at).total_seconds() < self.processing_s:
            return "processing"
        return "error" if video.has_failed else "ready"

    def _new(self, call: NodeCall, account: Account) -> Video:
        self._count += 1
        return Video(str(_FIRST_ID + self._count), account, call.now)

    def _start(self, call: NodeCall, account: Account) -> dict[str, str]:
        size = required(call, "file_size")
        if not size.isdigit() or int(size) < _SMALLEST:
            raise GraphApiError("(#382) The video file you tried to upload is too small.", 382)
        video = self._new(call, account)
        video.file_size = int(size)
        session = f"8{video.id}"
        self.uploads[session] = video
        return {"upload_session_id": session, "video_id": video.id, **self._offsets(video)}

    def _transfer(self, call: NodeCall, account: Account) -> Any:
        video = self._upload_of(call, account)
        chunk = call.request.files.get("video_file_chunk", b"")
        offset = required(call, "start_offset")
        if offset != str(len(video.content)):
            raise GraphApiError(
                "There was a problem uploading your video file. Please try again.", 6001, subcode=RESEND,
                is_transient=True, data=self._offsets(video),
            )
        if self._faults.is_upload_broken(call.request):  # half of it has arrived
            video.content += chunk[: len(chunk) // 2]
            return fault_response("timeout", call.request)
        if not chunk or len(video.content) + len(chunk) > video.file_size:
            raise GraphApiError("(#6001) There was a problem uploading your video. Please try again.", 6001)
        video.content += chunk
        return self._offsets(video)

    def _finish(self, call: NodeCall, account: Account) -> dict[str, bool]:
        video = self._upload_of(call, account)
        if len(video.content) != video.file_size:
            raise GraphApiError("(#6000) There was a problem uploading your video. Please try again.", 6000)
        del self.uploads[call.request.params["upload_session_id"]]
        self._add(call, video)
        return {"success": True}

    def _whole(self, call: NodeCall, account: Account) -> dict[str, str]:
        content, url = call.request.files.get("source", b""), call.request.params.get("file_url", "")
        if url and not url.startswith("https://"):
            raise GraphApiError("(#389) Unable to fetch video file from URL.", 389)
        if not url and not content:
            raise GraphApiError("(#100) The parameter source is required", 100)
        if content and len(content) < _SMALLEST:
            raise GraphApiError("(#382) The video file you tried to upload is too small.", 382)
        video = self._new(call, account)
        video.content += content
        self._add(call, video)
        return {"id": video.id}

    def _add(self, call: NodeCall, video: Video) -> None:
        params = call.request.params
        video.title = params.get("title") or params.get("name") or ""
        video.is_ai_generated = params.get("is_ai_generated", "").lower() in ("true", "1")
        video.finished_at, video.has_failed = call.now, self.fails
        self.by_id[video.id] = video

    def _offsets(self, video: Video) -> dict[str, str]:
        """Return where the next chunk begins and ends; the two are equal when everything has arrived."""
        start = len(video.content)
        return {"start_offset": str(start), "end_offset": str(min(start + self.chunk, video.file_size))}

    def _upload_of(self, call: NodeCall, account: Account) -> Video:
        video = self.uploads.get(required(call, "upload_session_id"))
        if video is None or video.account is not account:
            raise GraphApiError("(#6000) There was a problem uploading your video. Please try again.", 6000)
        return video
