"""Resumable uploads to Meta's upload host: the bytes that have arrived, and the offset at which one continues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.protocol.errors import unknown_object
from meta_pipeline.sandbox.protocol.faults import HANG_HEADER, Faults
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.sandbox.protocol.tokens import AccessToken

PAGE_UPLOADS, INSTAGRAM_UPLOADS = "video-upload", "ig-api-upload"


@dataclass(kw_only=True)
class Upload:
    """A file that is uploaded in pieces, or fetched from an address. `size`: None before its first piece."""

    id: str
    subject_id: str
    content: bytearray = field(default_factory=bytearray)
    size: int | None = None
    file_url: str | None = None

    @property
    def is_complete(self) -> bool:
        """Check whether every byte has arrived."""
        return self.file_url is not None or (self.size is not None and len(self.content) == self.size)

    def phase(self) -> dict[str, Any]:
        """Return the upload's part of a status; `bytes_transfered` is Meta's spelling."""
        status = "complete" if self.is_complete else "in_progress" if self.content else "not_started"
        return {"status": status, "bytes_transfered": len(self.content), "bytes_transferred": len(self.content)}


class Uploads:
    """The uploads of a sandbox, by the id of the video or container that they belong to."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.by_id: dict[str, Upload] = {}

    def open(self, id: str, subject_id: str) -> Upload:
        """Return a new upload."""
        self.by_id[id] = Upload(id=id, subject_id=subject_id)
        return self.by_id[id]

    def serves(self, request: GraphRequest) -> bool:
        """Check whether a request uploads a piece."""
        return request.path.partition("/")[0] in (PAGE_UPLOADS, INSTAGRAM_UPLOADS)

    def receive(self, request: GraphRequest, token: AccessToken) -> GraphResponse:
        """Append the bytes of a request at its offset; only half of them when the connection breaks."""
        upload = self.by_id.get(request.path.rpartition("/")[2])
        if upload is None or upload.subject_id != token.subject_id or request.method != "POST":
            raise unknown_object(request.path.rpartition("/")[2])
        if file_url := request.headers.get("file_url"):
            upload.file_url = file_url
            return GraphResponse({"success": True, "message": "Upload successful."})
        offset, size = request.headers.get("offset", ""), request.headers.get("file_size", "")
        if not (offset.isdigit() and size.isdigit()):
            return _refused("the headers offset and file_size are required")
        if int(offset) != len(upload.content) or upload.size not in (None, int(size)):
            return _refused(f"the upload continues at offset {len(upload.content)}")
        upload.size = int(size)
        if self._faults.is_upload_broken(request):
            upload.content += request.body[: len(request.body) // 2]
            return GraphResponse({}, status=504, headers={HANG_HEADER: "1"}, raw=b"")
        if len(upload.content) + len(request.body) > upload.size:
            return _refused("more bytes than file_size")
        upload.content += request.body
        return GraphResponse({"success": True, "message": "Upload successful."})


def _refused(message: str) -> GraphResponse:
    """Return an error in the upload host's format, which differs from Graph's."""
    return GraphResponse(
        {"debug_info": {"retriable": False, "type": "OffsetInvalidError", "message": message}}, status=400
    )
