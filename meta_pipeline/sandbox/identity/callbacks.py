"""The callbacks that Meta POSTs to the app when a person removes it or wants their data deleted
(docs/graph-api.md §4.7)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.world.cast import USER_ID

_TIMEOUT_S = 60
_MOST_BYTES = 64 * 1024


def signed_request(claims: Mapping[str, Any], *, secret: str, now: dt.datetime) -> str:
    """Return a signed request about a person: `user_id`, `issued_at` (seconds) and `algorithm` of the payload, and the
    `secret` that signs it."""
    payload = {
        "user_id": claims.get("user_id", USER_ID), "algorithm": claims.get("algorithm", "HMAC-SHA256"),
        "issued_at": claims.get("issued_at", int(now.timestamp())),
    }
    encoded = _base64url(json.dumps(payload).encode())
    signature = hmac.new(str(claims.get("secret", secret)).encode(), encoded.encode(), hashlib.sha256).digest()
    return f"{_base64url(signature)}.{encoded}"


def send(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """POST a form; return the status and the body of the response, as JSON where it is JSON."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"no http(s) URL: {url!r}")
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), method="POST")  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - checked above
            status, body = response.status, response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(_MOST_BYTES)
    except OSError as error:
        raise ValueError(f"{url} can't be reached: {error}") from error
    text = body.decode("utf-8", "replace")
    try:
        return {"status": status, "body": json.loads(text)}
    except ValueError:
        return {"status": status, "body": text}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
