"""The pictures of creatives, inlined: small, few, and only in formats that can contain nothing but a picture."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location, join

LARGEST = 80_000  # bytes of a picture
ALTOGETHER = 2_000_000
# By the first bytes, not by the name of the file. SVG is missing on purpose: it can hold scripts and links.
_TYPES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))


def inlined(paths: Iterable[str | None], *, folders: Sequence[Location]) -> dict[str, str]:
    """Return the `data:` address of each file that is in one of the folders, is small and is a picture. `paths` are
    relative to the folders; the total size of the pictures is bounded."""
    addresses: dict[str, str] = {}
    left = ALTOGETHER
    for path in paths:
        if path is None or path in addresses or not _is_inside(path):
            continue
        content = _content(path, folders, largest=min(LARGEST, left))
        kind = next((name for start, name in _TYPES if content.startswith(start)), None)
        if kind:
            addresses[path] = f"data:{kind};base64,{base64.b64encode(content).decode()}"
            left -= len(content)
    return addresses


def _is_inside(path: str) -> bool:
    """Return True unless the path leads out of its folder; it comes from the warehouse, but a file can be edited."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts


def _content(path: str, folders: Sequence[Location], *, largest: int) -> bytes:
    """Return the picture's bytes; nothing if it is in no folder, too large or unreadable."""
    for folder in folders:
        location = join(folder, path)
        try:
            if reading.exists(location) and reading.size_of(location) <= largest:
                return reading.read_bytes(location)
        except OSError:
            continue
    return b""
