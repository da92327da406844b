"""The keys of one store of sealed records, derived from the vault's keys, newest first. No I/O, no clock."""

from __future__ import annotations

import base64
import hmac
import json
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from meta_pipeline.records import ConfigError, VaultError

_NONCE = 12


class UnsealedError(VaultError):
    """A sealed record does not open. One message for every reason: it tells an attacker nothing."""

    def __init__(self) -> None:
        super().__init__(
            "a sealed record does not open: META_PIPELINE_VAULT_KEYS lacks the key it was sealed with, or its file was "
            "changed"
        )


@dataclass(frozen=True, slots=True)
class _Key:
    """The keys derived from one key of the vault. `name`: written in each row that they seal."""

    name: str
    cipher: AESGCM = field(repr=False)
    digests: bytes = field(repr=False)


class Keyring:
    """The keys of the store `store`: another store's keys do not open its records."""

    def __init__(self, vault_keys: str, *, store: str) -> None:
        self._keys = [_derive(key.strip(), store) for key in vault_keys.split(",") if key.strip()]
        if not self._keys:
            raise ConfigError("META_PIPELINE_VAULT_KEYS is empty: make a key with `meta-pipeline vault new-key`")

    @property
    def newest(self) -> str:
        """Return the name of the key that seals."""
        return self._keys[0].name

    def seal(self, plaintext: bytes, *, place: tuple[str, ...]) -> bytes:
        """Encrypt with the newest key, so that it opens only in this place: with the same values in the columns beside
        it, in order."""
        nonce = os.urandom(_NONCE)
        return nonce + self._keys[0].cipher.encrypt(nonce, plaintext, _spelled(place))

    def unseal(self, sealed: bytes, *, key: str, place: tuple[str, ...]) -> bytes:
        """Decrypt bytes that the key of this name has sealed for this place; raise UnsealedError for anything else."""
        for each in self._keys:
            if each.name == key:
                try:
                    return each.cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _spelled(place))
                except (InvalidTag, ValueError):
                    raise UnsealedError from None
        raise UnsealedError

    def digest(self, text: str) -> str:
        """Return the digest of a text under the newest key: without the key, it can't be used to guess a phone
        number."""
        return _digest(self._keys[0], text)

    def digests(self, text: str) -> frozenset[str]:
        """Return the digests of a text under every key: a row has the one of the key that sealed it."""
        return frozenset(_digest(key, text) for key in self._keys)


def _derive(vault_key: str, store: str) -> _Key:
    try:
        secret = base64.urlsafe_b64decode(vault_key)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise ConfigError(
            "META_PIPELINE_VAULT_KEYS holds no Fernet key (32 url-safe base64 bytes): "
            "make one with `meta-pipeline vault new-key`"
        )

    def derived(purpose: str, length: int) -> bytes:
        info = f"meta-pipeline sealed records\0{store}\0{purpose}".encode()
        return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret)

    return _Key(derived("name", 6).hex(), AESGCM(derived("seal", 32)), derived("digests", 32))


def _spelled(place: tuple[str, ...]) -> bytes:
    return json.dumps(place, separators=(",", ":")).encode()


def _digest(key: _Key, text: str) -> str:
    return hmac.digest(key.digests, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
