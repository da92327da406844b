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
    """The records as Arrow text, and joined by newlines: byte for byte, but for those that Parquet readers refuse. A
    lone surrogate (an emoji cut in two by a truncated name) or a byte that is no UTF-8 becomes U+FFFD here, once. All
    records are looked at together: such a one is rare."""
    together = b"\n".join(records)
    if _is_text(together) and not _has_surrogate(together):
        ends = np.flatnonzero(np.frombuffer(together, np.uint8) == ord("\n"))
        if len(ends) == len(records) - 1:  # no other line breaks: they say where each record ends
            offsets = np.zeros(len(records) + 1, np.int32)
            offsets[1:-1] = ends - np.arange(len(ends))
            offsets[-1] = len(together) - len(ends)
            buffers = pa.py_buffer(offsets), pa.py_buffer(b"".join(records))
            return pa.StringArray.from_buffers(len(records), *buffers), together
        return pa.array(list(map(bytes, records)), pa.binary()).cast(pa.string()), together
    spelled = [_readable(bytes(record)) for record in records]
    return pa.array(spelled, pa.string()), "\n".join(spelled).encode()


def _has_surrogate(together: bytes) -> bool:
    """Whether `\\ud…` stands somewhere: half of a pair, or the first of a whole one. Escapes are few, and looked at
    alone; a search for the text itself would look at every byte a second time."""
    text = np.frombuffer(together, np.uint8)
    at = np.flatnonzero(text[:-2] == ord("\\"))
    return bool(((text[at + 1] == ord("u")) & ((text[at + 2] | 0x20) == ord("d"))).any())


def _is_text(together: bytes) -> bool:
    if together.isascii():
        return True
    try:
        together.decode()
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
