"""Records as text that every reader of Parquet takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa


def readable(records: pa.Array) -> tuple[pa.StringArray, memoryview]:
    """The records, bytes of any kind, as Arrow text; and all of it in one piece: byte for byte, but for those that
    Parquet readers refuse. A lone surrogate (an emoji cut in two by a truncated name) or a byte that is no UTF-8
    becomes U+FFFD here, once. All records are looked at together: such a one is rare."""
    _, offsets, data = records.buffers()
    bounds = np.frombuffer(offsets, np.int32)[records.offset: records.offset + len(records) + 1]
    joined = memoryview(data)[bounds[0]: bounds[-1]]
    text = records.view(pa.string())
    if _is_text(text, joined) and not _has_surrogate(np.frombuffer(joined, np.uint8)):
        return text, joined
    mended = arrow_text([_readable(record).encode() for record in records.view(pa.binary()).to_pylist()])
    return mended, memoryview(mended.buffers()[2])


def arrow_text(pieces: Sequence[bytes]) -> pa.StringArray:
    """Pieces of what should be UTF-8 as Arrow text."""
    offsets = np.zeros(len(pieces) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, pieces), np.int32, len(pieces)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(pieces), pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces)))


# `\u`, and `ud` or `uD`, as they stand in memory, two bytes to a number.
_ESCAPE, _SURROGATE, _LOWER = 0x755C, 0x6475, 0x2000


def _has_surrogate(text: npt.NDArray[np.uint8]) -> bool:
    """Whether `\\ud…` stands somewhere: half of a pair, or the first of a whole one. Looked for two bytes at a time:
    either its first two are such a pair, or its second and third."""
    pairs = text[: len(text) & ~1].view("<u2")
    at = 2 * np.flatnonzero((pairs == _ESCAPE) | ((pairs | _LOWER) == _SURROGATE))
    at -= text[at] != ord("\\")
    at = at[text[at] == ord("\\")]
    return bool(((text[at + 2] | 0x20) == ord("d")).any())


def _is_text(text: pa.StringArray, joined: memoryview) -> bool:
    if np.frombuffer(joined, np.uint8).max(initial=0) < 0x80:
        return True
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
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
