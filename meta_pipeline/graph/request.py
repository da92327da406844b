"""Encode parameters (lists, dicts, bools as compact JSON, `fields` comma-joined: docs/graph-api.md §2.1) and sign
calls."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol

Surface = Literal["graph", "marketing"]
Purpose = Literal["daily", "backfill"]

# Parameters whose value may appear only in a request.
SECRET_PARAMETERS = (
    "client_secret", "code", "fb_exchange_token", "input_token", "access_token", "appsecret_proof", "revoke_token",
    "verify_token",
)


def encoded(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters as Graph reads them; those that are None are left out."""
    return {name: _text(name, value) for name, value in params.items() if value is not None}


def _text(name: str, value: Any) -> str:
    if name == "fields" and not isinstance(value, str):
        return ",".join(value)
    if isinstance(value, list | tuple | dict | bool):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)


def appsecret_proof(token: str, app_secret: str) -> str:
    """Return the hex HMAC-SHA256 of the token under the app secret, as the SDK sends it (docs/graph-api.md §4.4)."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class CallContext:
    """The context of calls: the node whose budgets they are charged to, and what the audit records.

    `purpose`: a backfill leaves a reserve of every budget to the daily run."""

    node_id: str | None = None
    report: str | None = None
    run_id: str | None = None
    backfill_id: str | None = None
    purpose: Purpose = "daily"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Content for the upload host: the bytes of a file of `size` bytes from `offset` on, or the address from which Meta
    fetches the file."""

    content: BinaryIO | None = None
    offset: int = 0
    size: int = 0
    file_url: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the upload call (docs/graph-api.md §12)."""
        if self.file_url is not None:
            return {"file_url": self.file_url}
        return {"offset": str(self.offset), "file_size": str(self.size), "Content-Type": "application/octet-stream"}


class PageSize(Protocol):
    """The number of rows to request at once, learned from earlier responses."""

    page: int

    def page_worked(self, rows: int) -> None:
        """Record that a page of `rows` rows was returned."""

    def page_was_refused(self, now: dt.datetime) -> bool:
        """Record that the page was too large and return whether a smaller one is worth trying."""
