"""Choose the thumbnails to download, and encode the row of each: by creative, with the picture's hash and path, or why
there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from meta_pipeline.digests import short_hash
from meta_pipeline.extract.stored_listing import StoredRecord


class Thumbnail(msgspec.Struct, omit_defaults=True):
    """A creative's thumbnail. `key`: identifies the picture, independent of the signature of its URL."""

    id: str
    account_id: str | None = None
    key: str | None = None
    sha256: str | None = None
    path: str | None = None
    error: str | None = None


class _Creative(msgspec.Struct):
    id: str = ""
    account_id: str | None = None
    thumbnail_url: str | None = None
    image_hash: str | None = None


_read_creative = msgspec.json.Decoder(_Creative).decode
_read_thumbnail = msgspec.json.Decoder(Thumbnail).decode
encode_thumbnail = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class PendingDownload:
    """A picture to download. The URL is signed, so it is never shown."""

    thumbnail: Thumbnail
    url: str

    def __repr__(self) -> str:
        return f"PendingDownload({self.thumbnail.id})"


def pending_downloads(fresh: Iterable[bytes], stored: Mapping[str, StoredRecord]) -> list[PendingDownload]:
    """Return the pictures to download for creatives that were read just now (only their URLs are valid): those that are
    new, have changed, or could not be downloaded before. Host and query of a URL change with every response; its path
    does not."""
    pending = []
    for record in fresh:
        creative = _read_creative(record)
        if not creative.thumbnail_url:
            continue
        key = short_hash(f"{_path_of(creative.thumbnail_url)} {creative.image_hash}".encode())
        before = _read_thumbnail(stored[creative.id].record) if creative.id in stored else None
        if before is None or before.error or before.key != key:
            pending.append(PendingDownload(Thumbnail(creative.id, creative.account_id, key), creative.thumbnail_url))
    return pending


def _path_of(url: str) -> str:
    """Return the part of a URL that identifies the picture: the rest is signed anew each time."""
    try:
        return urlsplit(url).path
    except ValueError:  # not a URL: the download reports it
        return url
