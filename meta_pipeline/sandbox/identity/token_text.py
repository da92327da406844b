"""The text of a token: it contains the token's properties, sealed with the app secret.

A token therefore outlives the process that issued it, as a real one does: another sandbox of the same seed reads it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
import zlib
from typing import Any

from meta_pipeline.sandbox.protocol.tokens import AccessToken

_PREFIX, _MAC_LENGTH = "EAAb", 32


def seal(token: AccessToken, *, app_secret: str) -> str:
    """Return a text for the token; every call returns a different one."""
    properties = [
        token.kind, token.subject_id, token.scopes, token.issued_at.timestamp(),
        token.expires_at and token.expires_at.timestamp(), token.page_id, token.invalid_subcode,
        token.active_at and token.active_at.timestamp(),
    ]
    body = zlib.compress(json.dumps([secrets.token_hex(6), properties]).encode()).hex()
    return f"{_PREFIX}{_mac(body, app_secret)}{body}"


def unseal(text: str, *, app_secret: str) -> AccessToken | None:
    """Return the token of a text, or None when the text is not sealed with this secret."""
    mac, body = text[len(_PREFIX):][:_MAC_LENGTH], text[len(_PREFIX) + _MAC_LENGTH:]
    if not text.startswith(_PREFIX) or not hmac.compare_digest(mac.encode(), _mac(body, app_secret).encode()):
        return None
    properties: list[Any] = json.loads(zlib.decompress(bytes.fromhex(body)))[1]
    kind, subject_id, scopes, issued, expires, page_id, invalid_subcode, active = properties
    return AccessToken(
        value=text, kind=kind, subject_id=subject_id, scopes=tuple(scopes), issued_at=_instant(issued),
        expires_at=_instant(expires) if expires else None, page_id=page_id, invalid_subcode=invalid_subcode,
        active_at=_instant(active),
    )


def _mac(body: str, app_secret: str) -> str:
    return hmac.new(app_secret.encode(), body.encode(), hashlib.sha256).hexdigest()[:_MAC_LENGTH]


def _instant(timestamp: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)
