"""Short names for content: equal content has an equal name."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def short_hash(content: bytes) -> str:
    """Return 32 hexadecimal digits of the content's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def request_digest(request: Any) -> str:
    """Return the name of a request or of other JSON; the order of its keys does not matter."""
    return short_hash(json.dumps(request, sort_keys=True, separators=(",", ":")).encode())
