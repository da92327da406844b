"""Which thumbnails are to be fetched, and what is told of each: a row by creative, with the picture's hash and path, or
why there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from meta_pipeline.extract.ads.stored_listing import StoredRecord

THUMBNAILS = "thumbnails"


class Thumbnail(msgspec.Struct, omit_defaults=True):
    """What is known of a creative's thumbnail. `key`: which picture it is, whatever its address is signed with."""

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
write = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture to fetch. The address is signed: it is shown nowhere."""

    thumbnail: Thumbnail
    url: str

    def __repr__(self) -> str:
        return f"Wanted({self.thumbnail.id})"


def wanted(fresh: Iterable[bytes], known: Mapping[str, StoredRecord]) -> list[Wanted]:
    """Of the creatives that were read just now (only their addresses are alive), those whose picture is new, another
    one, or could not be had before. Host and query of an address change with every answer; its path does not."""
    found = []
    for record in fresh:
        creative = _read_creative(record)
        if not creative.thumbnail_url:
            continue
        path = _path_of(creative.thumbnail_url)
        key = hashlib.sha256(f"{path} {creative.image_hash}".encode()).hexdigest()[:32]
        before = _read_thumbnail(known[creative.id].record) if creative.id in known else None
        if before is None or before.error or before.key != key:
            found.append(Wanted(Thumbnail(creative.id, creative.account_id, key), creative.thumbnail_url))
    return found


def _path_of(url: str) -> str:
    """What of an address names the picture: the rest is signed anew each time."""
    try:
        return urlsplit(url).path
    except ValueError:  # no address: whoever fetches it says so
        return url
