"""A receipt is valid only when unchanged and only in the installation that wrote it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.erasure import receipt
from meta_pipeline.erasure.receipt import ReceiptError
from meta_pipeline.store.engine import open_store
from meta_pipeline.vault import signing_key
from meta_pipeline.vault.seal import new_key
from meta_pipeline.vault.vault import Vault

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
CONTENT = {"confirmation_code": "c0de", "subject_kind": "person", "steps": [{"step": "search", "files": 3}], "name": "é"}


def installation(path: Path) -> tuple[sa.Engine, Vault]:
    engine = open_store(f"sqlite:///{path}")
    return engine, Vault(engine, new_key(), now=lambda: NOW)


def checked_by(engine: sa.Engine) -> Callable[[bytes, str], bool | None]:
    return lambda content, signature: signing_key.is_signed(engine, content, signature)


def test_every_changed_byte_makes_a_receipt_invalid(tmp_path: Path) -> None:
    engine, vault = installation(tmp_path / "control.sqlite")
    file = receipt.write(tmp_path, CONTENT, sign=vault.signing_key().sign)
    written = file.read_bytes()
    assert file == tmp_path / "receipts" / "c0de.json"
    assert receipt.verify(file, is_signed=checked_by(engine))["steps"] == CONTENT["steps"]

    for at in range(len(written)):
        for changed in (written[:at] + bytes([written[at] ^ 1]) + written[at + 1:], written[:at] + written[at + 1:]):
            file.write_bytes(changed)
            with pytest.raises(ReceiptError):
                receipt.verify(file, is_signed=checked_by(engine))
    file.write_bytes(written + b" ")
    with pytest.raises(ReceiptError):
        receipt.verify(file, is_signed=checked_by(engine))


def test_a_receipt_of_another_installation_or_with_another_key_is_invalid(tmp_path: Path) -> None:
    engine, vault = installation(tmp_path / "ours.sqlite")
    other_engine, other = installation(tmp_path / "other.sqlite")
    file = receipt.write(tmp_path, {**CONTENT, "public_key": "AAAA"}, sign=other.signing_key().sign)

    with pytest.raises(ReceiptError, match="has signed no receipt"):
        receipt.verify(file, is_signed=checked_by(engine))
    vault.signing_key()
    with pytest.raises(ReceiptError, match="was changed"):
        receipt.verify(file, is_signed=checked_by(engine))
    assert receipt.verify(file, is_signed=checked_by(other_engine))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"receipt": 1, "signature": 2}', b"\xff", b"[" * 10_000])
def test_a_file_that_is_no_receipt_is_reported_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    engine, vault = installation(tmp_path / "control.sqlite")
    vault.signing_key()
    (tmp_path / "x.json").write_bytes(content)

    with pytest.raises(ReceiptError, match="not a receipt"):
        receipt.verify(tmp_path / "x.json", is_signed=checked_by(engine))
    with pytest.raises(ReceiptError, match="can't be read"):
        receipt.verify(tmp_path / "missing.json", is_signed=checked_by(engine))


def test_the_private_key_is_sealed_and_survives_a_rotation(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")
    old, new = new_key(), new_key()
    signature = Vault(engine, old, now=lambda: NOW).signing_key().sign(b"content")
    digest = Vault(engine, old, now=lambda: NOW).signing_key().digest("1020")

    Vault(engine, f"{new},{old}", now=lambda: NOW).rotate()

    rotated = Vault(engine, new, now=lambda: NOW).signing_key()
    assert rotated.sign(b"content") == signature and rotated.digest("1020") == digest
    assert json.dumps(digest) and "1020" not in digest
