"""Slice a page of results into its records, as exact bytes in one Arrow array, without a Python object per record. No
I/O."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from meta_pipeline.graph.responses.response import page_reader

_FRONT, _BETWEEN = b'{"data":[', b"},"
# As little-endian numbers of two bytes.
_FIRST_RECORD, _NEXT_RECORD = (int.from_bytes(pair, "little") for pair in (b'{"', b",{"))


def slice_records(body: bytes, count: int) -> pa.BinaryArray:
    """Return the `count` records of a page, each with the byte that follows it; `strip_separators` removes that
    byte."""
    if (bounds := _bounds(body, count)) is None:
        pieces = page_reader(msgspec.Raw)(body).data
        body = b",".join([*pieces, b""])
        bounds = np.zeros(count + 1, np.int32)
        np.cumsum(np.fromiter(map(len, pieces), np.int32, count) + 1, out=bounds[1:])
    return pa.BinaryArray.from_buffers(pa.binary(), count, [None, pa.py_buffer(bounds), pa.py_buffer(body)])


def strip_separators(records: pa.BinaryArray) -> pa.BinaryArray:
    """Return the records without the byte that follows each, as copies, so that the memory of the page can be freed."""
    return pc.binary_slice(records, 0, -1)


def _bounds(body: bytes, count: int) -> npt.NDArray[np.int32] | None:
    """Return where each record starts, and the end of the last one with the byte after it; None for a page in another
    format than Meta's.

    All records start with the same field, and nothing else does: `{"name":` can't occur in a JSON string, where a quote
    has a backslash. A cut at a wrong place would leave invalid JSON on both sides, which the load rejects."""
    colon = body.find(b'":', len(_FRONT))
    first = body[len(_FRONT): colon + 2]
    if not count or not body.startswith(_FRONT + b'{"') or colon < 0 or len(first) < 8 or b"\\" in first:
        return None
    begin, stop = len(_FRONT) + 1, len(body) - len(first) - 8
    pairs = np.frombuffer(body, "<u2", max(0, stop - begin) // 2, begin)
    starts = 2 * np.flatnonzero((pairs == _FIRST_RECORD) | (pairs == _NEXT_RECORD)) + begin
    # Eight bytes at a time, from any offset.
    words = np.ndarray((len(body) - 7,), "<u8", body, strides=(1,))
    starts += (words[starts] & 0xFF) == ord(",")
    front = _BETWEEN + first
    for offset in (*range(0, len(front) - 8, 8), len(front) - 8):
        expected = int.from_bytes(front[offset: offset + 8], "little")
        starts = starts[words[starts + (offset - len(_BETWEEN))] == expected]
    if len(starts) != count - 1:
        return None
    last, end = int(starts[-1]) if count > 1 else len(_FRONT), body.rfind(b"}]") + 1
    try:
        msgspec.json.decode(body[last:end], type=msgspec.Raw)
    except msgspec.MsgspecError:
        return None
    bounds = np.empty(count + 1, np.int32)
    bounds[0], bounds[1:-1], bounds[-1] = len(_FRONT), starts, end + 1
    return bounds
