"""Signed texts that we send and receive back (itsdangerous): states, reconnect links, sessions, devices, forms.

Each purpose has its own salt, so that a text signed for one purpose is invalid for every other."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import Any

from itsdangerous import Signer, TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer


class _ExactSigner(Signer):
    """A signer that accepts one spelling of a signature: base64 would decode several texts to the same bytes."""

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Return whether the signature is exactly the one that this signer writes, compared in constant time."""
        return is_same(self.get_signature(value), sig)


class _ExactTimestampSigner(_ExactSigner, TimestampSigner):
    """A signer that uses the caller's time instead of the machine's clock."""

    def __init__(self, *args: Any, now: dt.datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self._now = now

    def get_timestamp(self) -> int:
        """Return the caller's time in seconds."""
        return int(self._now.timestamp())


_OPTIONS: dict[str, Any] = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


def serializer(purpose: str, *, key: str, bound_to: str = "") -> URLSafeSerializer:
    """Return the serializer of one purpose. It rejects a text that was signed with another `bound_to`."""
    return URLSafeSerializer(
        key, salt=_salt(purpose, bound_to), signer=_ExactSigner, signer_kwargs=_OPTIONS,
    )


def timed_serializer(
    purpose: str, *, key: str, now: dt.datetime, bound_to: str = ""
) -> URLSafeTimedSerializer:
    """Return the serializer of one purpose, which signs with the time `now` (aware) and can reject old texts."""
    return URLSafeTimedSerializer(
        key, salt=_salt(purpose, bound_to), signer=_ExactTimestampSigner, signer_kwargs={**_OPTIONS, "now": now},
    )


def _salt(purpose: str, bound_to: str) -> bytes:
    return as_bytes(f"{purpose}\0{bound_to}")


def is_same(expected: str | bytes, received: str | bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(as_bytes(expected), as_bytes(received))


def as_bytes(text: str | bytes) -> bytes:
    """Encode a text from outside, which may contain a lone surrogate."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def keyed_digest(text: str, *, key: str) -> str:
    """Return the HMAC-SHA256 that represents a text which others could guess, such as an address."""
    return hmac.new(as_bytes(key), as_bytes(text), hashlib.sha256).hexdigest()


def digest_of(text: str) -> str:
    """Return the SHA-256 that represents a secret text where others may read it."""
    return hashlib.sha256(as_bytes(text)).hexdigest()
