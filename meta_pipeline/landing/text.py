"""Records as text that every reader of Parquet takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence

import numpy as np
import orjson
import pyarrow as pa

from meta_pipeline.records import Buffer


def readable(records: Sequence[Buffer]) -> tuple[pa.StringArray, bytes]:
    """The records as Arrow text, and joined: byte for byte, but for those that Parquet readers refuse. A lone surrogate
    (an emoji cut in two by a truncated name) or a byte that is no UTF-8 becomes U+FFFD here, once. All records are
    looked at together: such a one is rare."""
    found, joined = arrow_text(records)
    if _is_text(joined) and not _has_surrogate(joined):
        return found, joined
    return arrow_text([_readable(bytes(record)).encode() for record in records])


def arrow_text(pieces: Sequence[Buffer]) -> tuple[pa.StringArray, bytes]:
    """Pieces of UTF-8 as Arrow text, and joined."""
    joined = b"".join(pieces)
    offsets = np.zeros(len(pieces) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, pieces), np.int32, len(pieces)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(pieces), pa.py_buffer(offsets), pa.py_buffer(joined)), joined


# `\\u`, and `ud` or `uD`, as they stand in memory, two bytes to a number.
_ESCAPE, _SURROGATE, _LOWER = 0x755C, 0x6475, 0x2000


def _has_surrogate(joined: bytes) -> bool:
    """Whether `\\ud…` stands somewhere: half of a pair, or the first of a whole one. Looked for two bytes at a time:
    either its first two are such a pair, or its second and third."""
    if b"\\" not in joined:
        return False
    text, pairs = np.frombuffer(joined, np.uint8), np.frombuffer(joined, "<u2", len(joined) // 2)
    at = 2 * np.flatnonzero((pairs == _ESCAPE) | ((pairs | _LOWER) == _SURROGATE))
    at -= text[at] != ord("\\")
    at = at[text[at] == ord("\\")]
    return bool(((text[at + 2] | 0x20) == ord("d")).any())


def _is_text(joined: bytes) -> bool:
    if joined.isascii():
        return True
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return True


def _readable(record: bytes) -> str:
    text = record.decode("utf-8", "replace")
    if "\\ud" not in text.lower():
        return text
    with contextlib.suppress(orjson.JSONDecodeError):
        orjson.loads(text)
        return text
    spelled = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    return spelled.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
