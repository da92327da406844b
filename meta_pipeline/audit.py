"""Who asked Graph for what, and what came back: never a token, never a query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One HTTP call. `path` has no query; `version` is the one Graph says it used; `duration_s` in seconds."""

    at: dt.datetime
    method: str
    path: str
    duration_s: float
    status: int | None = None
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str | None = None
    fb_rev: str | None = None
    version: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
