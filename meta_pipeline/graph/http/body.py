"""Read and decode the body of a response within its bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from meta_pipeline.graph.errors import BodyTooLargeError, CallDeadlineError, NestedTooDeepError, UnreadableAnswerError
from meta_pipeline.graph.http.bounds import (
    CHUNK,
    COUNTED_FROM,
    DEEPEST,
    LARGEST_BODY,
    LARGEST_DECODED,
    MIB,
    MOST_VALUES,
)
from meta_pipeline.json_text import valid_json_text


def read(raw: Any, *, deadline: float, clock: Callable[[], float]) -> bytes:
    """Read a body and decode its content encoding in chunks, so that a gzip bomb never grows beyond the bound.

    Raise BodyTooLargeError, CallDeadlineError when the clock passes `deadline`, and urllib3's own errors."""
    is_encoded = bool(raw.headers.get("content-encoding"))
    chunks: list[bytes] = []
    size = 0
    # A body without an encoding can't grow, so it is read in one piece; the socket has its own deadline.
    while chunk := raw.read1(CHUNK, decode_content=True) if is_encoded else raw.read(LARGEST_BODY + 1 - size):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_BODY:
            raise BodyTooLargeError(f"the answer is larger than {LARGEST_BODY // MIB} MiB")
        if clock() > deadline:
            raise CallDeadlineError("the answer was not complete in time")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decoded(body: bytes) -> Any:
    """Decode JSON, after repairing what a strict parser rejects.

    Raise UnreadableAnswerError for a body that is not JSON, NestedTooDeepError and BodyTooLargeError for one that is
    too deep or too large to handle."""
    check_values(body)
    check_record(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return orjson.loads(repaired(body))
        except orjson.JSONDecodeError:
            raise UnreadableAnswerError("the answer is not JSON") from None


def check_values(body: bytes) -> None:
    """Raise BodyTooLargeError for a large body with so many small values that decoding would exhaust memory."""
    if len(body) > COUNTED_FROM and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise BodyTooLargeError(f"the answer holds more than {MOST_VALUES:,} values")


# A bracket, or a whole string, whose brackets do not count. An unterminated string matches the rest of the body.
_TOKEN = re.compile(rb'[\[{\]}]|"[^"]*"?')


def check_record(record: bytes) -> None:
    """Raise BodyTooLargeError or NestedTooDeepError for JSON that must not be decoded as a whole."""
    if len(record) > LARGEST_DECODED:
        raise BodyTooLargeError(f"one JSON value is larger than {LARGEST_DECODED // MIB} MiB")
    check_depth(record)


def check_depth(body: bytes) -> None:
    """Raise NestedTooDeepError for JSON that is too deep for recursive Python code. A body with few opening brackets
    can't be deep, so for most bodies it is enough to count them."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth = 0
    for match in _TOKEN.finditer(body.replace(rb"\\", b"").replace(rb"\"", b"")):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > DEEPEST:
                raise NestedTooDeepError(f"the answer's JSON is nested deeper than {DEEPEST} levels")
        elif token in (b"]", b"}"):
            depth -= 1


def repaired(body: bytes) -> bytes:
    """Return a body that a strict parser accepts; see `valid_json_text`. A body without such a fault, or one that no
    parser accepts, is returned unchanged. Raise BodyTooLargeError when the body is too large to repair."""
    if body.isascii() and rb"\u" not in body:
        return body
    if len(body) > LARGEST_DECODED:
        raise BodyTooLargeError(f"the answer can't be parsed as a page and is larger than {LARGEST_DECODED // MIB} MiB")
    return valid_json_text(body)
