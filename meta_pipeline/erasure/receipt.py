"""Receipts: signed JSON about what was erased, without names. A receipt with a changed byte is invalid."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from meta_pipeline.files import durable
from meta_pipeline.records import MetaPipelineError

FOLDER, FORMAT = "receipts", "meta-pipeline erasure receipt 1"
_LONGEST = 4 * 1024 * 1024


class ReceiptError(MetaPipelineError):
    """A file that is not a receipt of this installation."""


def location_of(home: Path, code: str) -> Path:
    """Return the path of the receipt for a confirmation code."""
    return home / FOLDER / f"{code}.json"


def write(home: Path, content: dict[str, Any], *, sign: Callable[[bytes], str]) -> Path:
    """Sign and write a receipt in one step."""
    target = location_of(home, content["confirmation_code"])
    target.parent.mkdir(parents=True, exist_ok=True)
    receipt = {"format": FORMAT, **content}
    durable.write(str(target), _rendered(receipt, sign(_signed_bytes(receipt))))
    return target


def verify(file: Path, *, is_signed: Callable[[bytes, str], bool | None]) -> dict[str, Any]:
    """Return the content of a receipt. Raise ReceiptError unless this installation has signed exactly these bytes."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ReceiptError(f"{file} can't be read: {error.strerror}") from error
    try:
        document: Any = json.loads(content) if len(content) <= _LONGEST else {}
        receipt, signature = document["receipt"], document["signature"]
        is_ours = receipt["format"] == FORMAT and _rendered(receipt, signature) == content
        answer = is_signed(_signed_bytes(receipt), signature) if is_ours else False
    except (ValueError, KeyError, TypeError, RecursionError):
        answer = False
    if answer is None:
        raise ReceiptError("this installation has signed no receipt: verify it where it was written")
    if not answer:
        raise ReceiptError(f"{file} is not a receipt that this installation has signed, or it was changed")
    result: dict[str, Any] = receipt
    return result


def digest_of(file: Path) -> str | None:
    """Return the SHA-256 of a file; None when it does not exist."""
    if not file.exists():
        return None
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def content_of(
    *,
    code: str,
    kind: str,
    subject_digest: str,
    origin: str,
    times: dict[str, dt.datetime],
    overridden: Sequence[str],
    steps: Sequence[dict[str, Any]],
    digests: dict[str, str | None],
) -> dict[str, Any]:
    """Return the content of a receipt. `overridden`: sentences about retention floors that the erasure overrode."""
    return {
        "confirmation_code": code, "subject_kind": kind, "subject_digest": subject_digest, "requested_by": origin,
        **{name: at.astimezone(dt.UTC).isoformat() for name, at in times.items()},
        "retention_overridden": list(overridden), "steps": list(steps), "digests_after": digests,
    }


def _signed_bytes(receipt: Any) -> bytes:
    return json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _rendered(receipt: Any, signature: Any) -> bytes:
    return json.dumps({"receipt": receipt, "signature": signature}, sort_keys=True, indent=2).encode() + b"\n"
