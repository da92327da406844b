"""Small MP4 files: an index as a phone writes it, and bytes in place of the pictures."""

from __future__ import annotations

import struct


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def times(seconds: float, *, version: int = 0, scale: int = 1000) -> bytes:
    if version:
        return struct.pack(">B3xQQIQ", 1, 0, 0, scale, int(seconds * scale))
    return struct.pack(">B3xIIII", 0, 0, 0, scale, int(seconds * scale))


def track(handler: bytes, entry: bytes, *, seconds: float, is_rotated: bool = False, version: int = 0) -> bytes:
    unit = 0x10000
    matrix = (0, unit, 0, -unit, 0, 0, 0, 0, 1 << 30) if is_rotated else (unit, 0, 0, 0, unit, 0, 0, 0, 1 << 30)
    head = bytes([version, 0, 0, 7]) + bytes(32 if version else 20) + bytes(16) + struct.pack(">9i", *matrix) + bytes(8)
    description = box(b"stsd", bytes(4), struct.pack(">I", 1), entry)
    return box(
        b"trak", box(b"tkhd", head),
        box(
            b"mdia", box(b"mdhd", times(seconds, version=version), bytes(4)),
            box(b"hdlr", bytes(8), handler, bytes(13)), box(b"minf", box(b"stbl", description)),
        ),
    )


def reel(
    *, seconds: float = 15.0, width: int = 1080, height: int = 1920, codec: bytes = b"avc1", sound: bytes | None = b"mp4a",
    size: int = 3_000_000, is_rotated: bool = False, version: int = 0, has_index_last: bool = False,
) -> bytes:
    """Return a video of `size` bytes."""
    shown = (height, width) if is_rotated else (width, height)
    picture = box(codec, bytes(24), struct.pack(">HH", *shown), bytes(50))
    tracks = [track(b"vide", picture, seconds=seconds, is_rotated=is_rotated, version=version)]
    if sound:
        tracks.append(track(b"soun", box(sound, bytes(28)), seconds=seconds, version=version))
    index = box(b"moov", box(b"mvhd", times(seconds, version=version), bytes(80)), *tracks)
    start = box(b"ftyp", b"isom", bytes(4), b"isommp42")
    rest = size - len(start) - len(index) - 8
    content = box(b"mdat", bytes(range(256)) * (rest // 256) + bytes(rest % 256))
    return start + content + index if has_index_last else start + index + content
