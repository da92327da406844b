"""A response before it is sent, and JSON as Meta encodes it."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import orjson

_NOT_ASCII = re.compile("[\x7f-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class GraphResponse:
    """A status, a JSON body and the response's own headers; `raw` replaces the body where it is not JSON."""

    body: Any
    _: KW_ONLY
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.raw if self.raw is not None else encode_json(self.body)


def encode_json(body: Any) -> bytes:
    """Encode compactly and escape everything that is not ASCII, as Meta does."""
    try:
        text = orjson.dumps(body)
    except TypeError:  # an integer beyond 64 bits, or a lone surrogate
        return json.dumps(body, separators=(",", ":")).encode()
    if text.isascii() and b"\x7f" not in text:
        return text
    return _NOT_ASCII.sub(lambda letter: json.dumps(letter[0])[1:-1], text.decode()).encode()


def new_trace_id() -> str:
    """Return an id such as Graph puts on every response."""
    return "A" + secrets.token_urlsafe(16).replace("-", "x").replace("_", "y")
