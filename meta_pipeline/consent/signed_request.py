"""The signed requests of Meta's callbacks when a person leaves the app (docs/graph-api.md §4.7). Pure."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from meta_pipeline.consent.signing import as_bytes, digest_of, is_same
from meta_pipeline.records import MetaPipelineError

ALGORITHM = "HMAC-SHA256"
OLDEST, EARLIEST = dt.timedelta(days=1), dt.timedelta(minutes=10)
LONGEST = 8 * 1024  # characters
_PART = re.compile(r"[A-Za-z0-9_-]+")
_USER_ID = re.compile(r"[0-9]{1,40}")


class SignedRequestError(MetaPipelineError):
    """A signed request that is not from Meta, is too old, or has unusable content. The message is the same for every
    reason, so that it reveals nothing."""

    def __init__(self) -> None:
        super().__init__("this is not a valid signed request from Meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A verified request. `user_id`: the person's app-scoped id; `digest`: of the signed part, which identifies a
    replay."""

    user_id: str = field(repr=False)
    issued_at: dt.datetime
    digest: str


def read_signed_request(text: str, *, app_secret: str, now: dt.datetime) -> SignedRequest:
    """Return the content of a `signed_request`. Raise SignedRequestError unless it is signed with `app_secret`, the
    algorithm is HMAC-SHA256, it was issued within the last day (or at most 10 minutes ahead of our clock), and it names
    a person."""
    signature, _, payload = text.partition(".") if len(text) <= LONGEST else ("", "", "")
    if not (_PART.fullmatch(signature) and _PART.fullmatch(payload)):
        raise SignedRequestError
    if not is_same(_encoded(hmac.digest(app_secret.encode(), payload.encode(), hashlib.sha256)), as_bytes(signature)):
        raise SignedRequestError
    claims = _claims(payload)
    user_id, issued_at = claims.get("user_id"), _instant(claims.get("issued_at"))
    if claims.get("algorithm") != ALGORITHM or not isinstance(user_id, str) or not _USER_ID.fullmatch(user_id):
        raise SignedRequestError
    if not now - OLDEST <= issued_at <= now + EARLIEST:
        raise SignedRequestError
    return SignedRequest(user_id=user_id, issued_at=issued_at, digest=digest_of(payload))


def _encoded(signature: bytes) -> bytes:
    """Return the one spelling of a signature that is accepted: base64url without padding."""
    return base64.urlsafe_b64encode(signature).rstrip(b"=")


def _claims(payload: str) -> dict[str, Any]:
    try:
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = json.loads(text, parse_constant=_refuse)
    except (binascii.Error, ValueError, RecursionError):
        raise SignedRequestError from None
    if not isinstance(claims, dict):
        raise SignedRequestError
    return claims


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _instant(seconds: Any) -> dt.datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise SignedRequestError
    try:  # a number may be too large for a float, and a float for a date
        return dt.datetime.fromtimestamp(float(seconds), dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise SignedRequestError from None
