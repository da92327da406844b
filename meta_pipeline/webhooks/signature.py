"""Verify that a webhook comes from Meta (docs/graph-api.md §11)."""

from __future__ import annotations

import hashlib
import hmac
import re

_SIGNATURE = re.compile(r"sha256=[0-9a-fA-F]{64}")


def is_signature(header: str | None) -> bool:
    """Return whether a header has the form of a signature; any other is refused before the body is read. The legacy
    SHA-1 signature has a different header and is never accepted."""
    return header is not None and _SIGNATURE.fullmatch(header) is not None


def verify_signature(body: bytes, header: str, *, app_secret: str) -> bool:
    """Return whether `X-Hub-Signature-256` signs exactly these bytes with the app's secret, in constant time."""
    expected = "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), header.lower().encode("utf-8", "surrogateescape"))


def is_verify_token(text: str, *, verify_token: str) -> bool:
    """Return whether a text is the token of the handshake, in constant time."""
    return hmac.compare_digest(text.encode("utf-8", "surrogateescape"), verify_token.encode())
