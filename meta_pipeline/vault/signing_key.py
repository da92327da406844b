"""The installation's Ed25519 key, which signs receipts of erasures. Its private half is sealed in the control store."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from meta_pipeline.store.leaving import installation_keys
from meta_pipeline.vault.seal import seal_text, unseal_text

RECEIPTS, KIND = "receipts", "ed25519"


class SigningKey:
    """The key in plain text, held only while it is used."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    def sign(self, content: bytes) -> str:
        """Return the signature of some bytes, as base64."""
        return base64.b64encode(self._private.sign(content)).decode()

    def digest(self, text: str) -> str:
        """Return a digest of an id that only this installation can compute: ids are short enough to be guessed."""
        key = hashlib.sha256(b"subjects\0" + self._private.private_bytes_raw()).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def open_or_make(engine: sa.Engine, keys: MultiFernet, *, now: dt.datetime) -> SigningKey:
    """Return the installation's key, made on first use. Two processes that make it at once return the same key."""
    stored = installation_keys.find(engine, RECEIPTS)
    if stored is None:
        private = Ed25519PrivateKey.generate()
        text = base64.b64encode(private.private_bytes_raw()).decode()
        installation_keys.add(
            engine, RECEIPTS, public=base64.b64encode(private.public_key().public_bytes_raw()).decode(),
            sealed=seal_text(text, kind=KIND, subject=RECEIPTS, keys=keys, sealed_at=now), now=now,
        )
        stored = installation_keys.find(engine, RECEIPTS)
        assert stored is not None
    opened = unseal_text(stored.sealed, kind=KIND, subject=RECEIPTS, keys=keys)
    return SigningKey(Ed25519PrivateKey.from_private_bytes(base64.b64decode(opened)))


def is_signed(engine: sa.Engine, content: bytes, signature: str) -> bool | None:
    """Return whether this installation signed these bytes; None when it has never signed a receipt."""
    stored = installation_keys.find(engine, RECEIPTS)
    if stored is None:
        return None
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(stored.public))
        decoded = base64.b64decode(signature, validate=True)
        if base64.b64encode(decoded).decode() != signature:  # base64 would decode several texts to the same bytes
            return False
        public.verify(decoded, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def reseal(engine: sa.Engine, keys: MultiFernet) -> None:
    """Seal the key under the newest vault key; a key that can't be opened does not change."""
    stored = installation_keys.find(engine, RECEIPTS)
    if stored is None:
        return
    try:
        sealed = keys.rotate(stored.sealed)
    except InvalidToken:
        return
    installation_keys.replace_sealed(engine, RECEIPTS, before=stored.sealed, sealed=sealed)
