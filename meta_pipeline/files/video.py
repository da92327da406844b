"""Read what Meta's specs limit from the index of an MP4 or MOV file: length, size, codecs. Bounded, no decoding.

Our own parser for a few boxes of ISO 14496-12: the libraries that read these files either read only tags and durations
or include FFmpeg (decision 0080)."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from meta_pipeline.records import ConfigError

_LARGEST_INDEX = 64 * 1024 * 1024  # of `moov`, which has the tables of samples: minutes of video have less than 1 MiB
_MOST_BOXES, _DEEPEST = 10_000, 8
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"dash", b"MSNV")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """A video file: its size in bytes, its length in seconds, its width and height in pixels (after rotation), its
    codecs as four letters (None without audio), and the SHA-256 of its bytes."""

    size: int
    duration_s: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None
    digest: str

    @property
    def ratio(self) -> float:
        """Return the width divided by the height."""
        return self.width / self.height


class VideoError(ConfigError):
    """A file that can't be read as a video."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    body: bytes


@dataclass(slots=True)
class _Track:
    handler: bytes = b""
    codec: str = ""
    width: int = 0
    height: int = 0
    is_rotated: bool = False
    duration_s: float = 0.0


def read_video(path: Path) -> VideoFacts:
    """Return the facts of a video file; raise VideoError if it can't be read."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            duration_s, tracks = _movie(_index(file, size))
            digest = _digest(file)
    except OSError as error:
        raise VideoError(f"the video can't be read: {error.strerror or 'no file'}") from None
    except (struct.error, IndexError, ZeroDivisionError, OverflowError):
        raise VideoError("the video is damaged: its index can't be read") from None
    video = next((track for track in tracks if track.handler == b"vide" and track.width and track.height), None)
    if video is None:
        raise VideoError("the file has no video track")
    audio = next((track for track in tracks if track.handler == b"soun"), None)
    width, height = (video.height, video.width) if video.is_rotated else (video.width, video.height)
    return VideoFacts(
        size=size, duration_s=max(duration_s, *(track.duration_s for track in tracks)), width=width, height=height,
        video_codec=video.codec, audio_codec=audio.codec if audio else None, digest=digest,
    )


def _index(file: BufferedReader, size: int) -> bytes:
    """Return the body of the box `moov`, wherever it is in the file; the last box of the file must be complete."""
    position, count, first, index = 0, 0, b"", b""
    while position + 8 <= size and count < _MOST_BOXES:
        file.seek(position)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = size - position
        if length < header or position + length > size:
            raise VideoError("the video is damaged or cut off: a part of it is longer than the file")
        if not count:
            first = kind
            if kind == b"ftyp" and head[8:12] not in _BRANDS and not head[8:12].isalnum():
                raise VideoError("the file is not an MP4 or MOV video")
        if kind == b"moov":
            if length > _LARGEST_INDEX:
                raise VideoError("the video's index is too large")
            file.seek(position + header)
            index = file.read(length - header)
        position, count = position + length, count + 1
    if first not in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
        raise VideoError("the file is not an MP4 or MOV video")
    if not index:
        raise VideoError("the video is cut off: it has no index")
    return index


def _movie(index: bytes) -> tuple[float, list[_Track]]:
    """Return the duration of a movie, and its tracks."""
    duration_s, tracks = 0.0, []
    for box in _boxes(index):
        if box.kind == b"mvhd":
            duration_s = _duration(box.body)
        elif box.kind == b"trak":
            tracks.append(_track(box.body))
    return duration_s, tracks


def _track(body: bytes) -> _Track:
    track = _Track()
    for box in _within(body, depth=0):
        match box.kind:
            case b"tkhd":
                matrix = struct.unpack_from(">9i", box.body, 52 if box.body[0] else 40)
                track.is_rotated = matrix[0] == 0 and matrix[4] == 0 and matrix[1] != 0
            case b"mdhd":
                track.duration_s = _duration(box.body)
            case b"hdlr" if not track.handler:
                track.handler = box.body[8:12]
            case b"stsd":
                track.codec = box.body[12:16].decode("ascii", "replace")
                if track.handler in (b"vide", b"") and len(box.body) >= 44:
                    track.width, track.height = struct.unpack_from(">HH", box.body, 40)
    return track


def _within(body: bytes, *, depth: int) -> Iterator[_Box]:
    """Yield the boxes of a track, those in containers too."""
    if depth > _DEEPEST:
        raise VideoError("the video is damaged: its index is nested too deep")
    for box in _boxes(body):
        if box.kind in _CONTAINERS:
            yield from _within(box.body, depth=depth + 1)
        else:
            yield box


def _boxes(body: bytes) -> Iterator[_Box]:
    """Yield consecutive boxes; raise VideoError for one that is longer than the rest of the body."""
    position = count = 0
    while position + 8 <= len(body):
        length, kind = struct.unpack_from(">I4s", body, position)
        header = 8
        if length == 1:
            (length,), header = struct.unpack_from(">Q", body, position + 8), 16
        elif length == 0:
            length = len(body) - position
        count += 1
        if length < header or position + length > len(body) or count > _MOST_BOXES:
            raise VideoError("the video is damaged: a part of its index is longer than the whole")
        yield _Box(kind, body[position + header : position + length])
        position += length


def _duration(body: bytes) -> float:
    """Return the seconds in a header with a time scale."""
    scale, length = struct.unpack_from(">IQ", body, 20) if body[0] else struct.unpack_from(">II", body, 12)
    unknown = 0xFFFFFFFFFFFFFFFF if body[0] else 0xFFFFFFFF
    return 0.0 if length == unknown else float(length) / float(scale)


def _digest(file: BufferedReader) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
