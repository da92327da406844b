"""The audit record of a call to Graph: its purpose, its path and its outcome, never a token, never a query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One HTTP call. `path` has no query; `version` is the one that Graph says it used; `operations` is the number that
    Meta charges (each request of a batch request counts); `rows` are those of a batch. The last five are the purpose of
    the call; `plan_id` is set for a change that a plan lists. A body is never recorded."""

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
    warning: str | None = None
    operations: int = 1
    rows: int | None = None
    node_id: str | None = None
    report: str | None = None
    run_id: str | None = None
    backfill_id: str | None = None
    plan_id: str | None = None
