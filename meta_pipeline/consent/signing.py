"""The one signature of what goes out and comes back: states, invitations, sessions, forms."""

from __future__ import annotations

import base64
import hashlib
import hmac


def mac(purpose: str, text: str, *, key: str) -> str:
    """What only the holder of `key` can have made of a text, for this purpose alone."""
    found = hmac.new(f"{purpose} {key}".encode(), as_bytes(text), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def is_same(expected: str, told: str) -> bool:
    """Compared in constant time, whatever is told."""
    return hmac.compare_digest(as_bytes(expected), as_bytes(told))


def as_bytes(text: str) -> bytes:
    """A text from outside may hold half a character."""
    return text.encode("utf-8", "surrogatepass")
