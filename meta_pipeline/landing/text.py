"""Convert records to text that every Parquet reader accepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from meta_pipeline.json_text import valid_json_text


def valid_text(records: pa.Array) -> tuple[pa.StringArray, memoryview]:
    """Return the records, an array of any binary type, as Arrow text, and all their bytes joined. Both are unchanged
    except where readers of Parquet would fail: a lone surrogate (an emoji cut in two by a truncated name) and a byte
    that is not UTF-8 become U+FFFD. All records are checked at once, because such a record is rare."""
    _, offsets, data = records.buffers()
    bounds = np.frombuffer(offsets, np.int32)[records.offset: records.offset + len(records) + 1]
    joined = memoryview(data)[bounds[0]: bounds[-1]]
    text = records.view(pa.string())
    if _is_text(text, joined) and not _has_surrogate(np.frombuffer(joined, np.uint8)):
        return text, joined
    repaired = arrow_text([valid_json_text(record) for record in records.view(pa.binary()).to_pylist()])
    return repaired, memoryview(repaired.buffers()[2])


def arrow_text(pieces: Sequence[bytes]) -> pa.StringArray:
    """Return pieces of text, which are expected to be UTF-8, as an Arrow array."""
    offsets = np.zeros(len(pieces) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, pieces), np.int32, len(pieces)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(pieces), pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces)))


# `\u`, and `ud` or `uD`, as little-endian numbers of two bytes.
_ESCAPE, _SURROGATE, _LOWER = 0x755C, 0x6475, 0x2000


def _has_surrogate(text: npt.NDArray[np.uint8]) -> bool:
    """Return whether the text contains `\\ud…`: a lone surrogate, or the first of a pair. It is searched two bytes at a
    time: either its first two bytes are such a number, or its second and third."""
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
