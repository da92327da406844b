"""Encryption bound to its subject: a row's ciphertext can't be opened under another row. No I/O, no clock."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from meta_pipeline.records import AccessToken, ConfigError, VaultError


class UnsealError(VaultError):
    """A sealed token that can't be opened. The message is the same for every cause: an attacker learns nothing."""

    def __init__(self) -> None:
        super().__init__(
            "a sealed token does not open: META_PIPELINE_VAULT_KEYS lacks the key it was sealed with, "
            "or the control store was changed"
        )


def new_key() -> str:
    """Return a fresh Fernet key."""
    return Fernet.generate_key().decode()


def keyring(keys: str) -> MultiFernet:
    """Parse the comma-separated keys, newest first; raise ConfigError for one that is not a Fernet key."""
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])
    except ValueError:
        raise ConfigError(
            "META_PIPELINE_VAULT_KEYS must hold Fernet keys (32 url-safe base64 bytes each): "
            "make one with `meta-pipeline vault new-key`"
        ) from None


def seal(token: AccessToken, *, subject: str, keys: MultiFernet, sealed_at: dt.datetime) -> bytes:
    """Encrypt a token so that it opens only for `subject`."""
    return seal_text(token.value, kind=token.kind, subject=subject, keys=keys, sealed_at=sealed_at)


def seal_text(value: str, *, kind: str, subject: str, keys: MultiFernet, sealed_at: dt.datetime) -> bytes:
    """Encrypt a secret of any kind so that it opens only for `subject`."""
    plaintext = json.dumps({"subject": subject, "kind": kind, "value": value})
    return keys.encrypt_at_time(plaintext.encode(), int(sealed_at.timestamp()))


def unseal(sealed: bytes, *, subject: str, keys: MultiFernet) -> AccessToken:
    """Decrypt a token; raise UnsealError for another subject's text, a changed text or a missing key."""
    opened = _opened(sealed, subject=subject, keys=keys)
    return AccessToken(kind=opened["kind"], value=opened["value"])


def unseal_text(sealed: bytes, *, kind: str, subject: str, keys: MultiFernet) -> str:
    """Decrypt a secret of this kind; raise UnsealError for any other."""
    opened = _opened(sealed, subject=subject, keys=keys)
    if opened["kind"] != kind:
        raise UnsealError
    return str(opened["value"])


def _opened(sealed: bytes, *, subject: str, keys: MultiFernet) -> dict[str, Any]:
    try:
        opened: dict[str, Any] = json.loads(keys.decrypt(sealed))
    except InvalidToken:
        raise UnsealError from None
    if opened["subject"] != subject:
        raise UnsealError
    return opened
