"""`audit`: list the calls to Graph and their responses, or how much of each limit is used."""

from __future__ import annotations

import datetime as dt
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.graph.limits.pace import Budget
from meta_pipeline.graph.limits.rate_limits import node_of
from meta_pipeline.store.gateway import audit_log, budgets

CALL_COLUMNS = (
    "at", "method", "path", "status", "code", "subcode", "fbtrace_id", "version", "operations", "rows", "duration_s",
    "node_id", "report", "run_id", "plan_id",
)
HEADERS = {
    "at": "at (UTC)", "duration_s": "seconds", "node_id": "node", "run_id": "run", "plan_id": "plan",
    "percent_used": "used %", "percent_a_call": "% a call", "closed_until": "closed until", "read_at": "read at",
}
# The columns that a narrow terminal leaves out, in this order.
OPTIONAL = (
    "plan_id", "run_id", "version", "subcode", "operations", "fbtrace_id", "node_id", "duration_s", "report", "code",
    "read_at", "percent_a_call",
)
LIMIT_COLUMNS = ("limit", "percent_used", "percent_a_call", "closed_until", "read_at")


def list_calls(
    runtime: Runtime, *, trace: str | None, node_id: str | None, run_id: str | None, plan_id: str | None,
    is_failed: bool, limit: int,
) -> list[dict[str, Any]]:
    """Return the newest calls that match, each with its usage headers."""
    return audit_log.find(
        runtime.engine, trace=trace, node_id=node_id, run_id=run_id, plan_id=plan_id, is_failed=is_failed, limit=limit
    )


def list_limits(runtime: Runtime) -> list[dict[str, Any]]:
    """Return every limit of Meta: the percentage in use now, the percentage per call, and until when it is closed."""
    now = runtime.now()
    return [
        {
            "limit": row["key"], "percent_used": round(Budget(**row).drained(now), 1),
            "percent_a_call": round(row["cost_percent"], 3), "closed_until": _if_future(row["blocked_until"], now),
            "read_at": row["read_at"],
        }
        for row in budgets.find_all(runtime.engine)
    ]


def with_short_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return limits without their app in the name, such as `act_… ads_insights`, unless there are several apps."""
    if len({str(row["limit"]).partition("/")[0] for row in rows}) > 1:
        return rows
    return [{**row, "limit": " ".join((node or "app", kind))} for row in rows for node, kind in [node_of(row["limit"])]]


def _if_future(until: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    return until if until is not None and until > now else None
