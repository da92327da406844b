"""The pictures of creatives, under signed links that expire (docs/graph-api.md §9)."""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
import zlib
from collections.abc import Mapping

from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.sandbox.world.world import World

CDN_PATH = "_sandbox_cdn"
_HOUR_S = 3600


def picture_url(node_id: str, *, size: int, world: World, now: dt.datetime, base_url: str) -> str:
    """Return a link that works for as many days as the world's options say; it stays the same for an hour."""
    until = (int(now.timestamp()) // _HOUR_S + round(world.options.thumbnail_days * 24)) * _HOUR_S
    name = f"{node_id}_{size}.png"
    return f"{base_url}/{CDN_PATH}/{name}?oh={_signature(world, name, f'{until:x}')}&oe={until:x}"


def picture(name: str, query: Mapping[str, str], world: World, now: dt.datetime) -> GraphResponse:
    """Return the picture of a link, or 403 when the link is forged or has expired."""
    expiry = query.get("oe", "")
    if query.get("oh") != _signature(world, name, expiry):
        return _refused(b"Bad URL hash")
    if now.timestamp() >= int(expiry, 16):
        return _refused(b"URL signature expired")
    headers = {"content-type": "image/png", "cache-control": "max-age=1209600"}
    return GraphResponse({}, status=200, headers=headers, raw=_png(name))


def _refused(reason: bytes) -> GraphResponse:
    return GraphResponse({}, status=403, headers={"content-type": "text/plain"}, raw=reason)


def _signature(world: World, name: str, expiry: str) -> str:
    return hashlib.blake2b(f"{world.seed}|{name}|{expiry}".encode(), digest_size=8).hexdigest()


def _png(name: str) -> bytes:
    """Return a picture of one pixel, in its own colour."""
    colour = hashlib.blake2b(name.encode(), digest_size=3).digest()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" + colour)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
