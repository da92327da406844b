"""The audit trail in the control store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa

from meta_pipeline.audit import AuditEvent
from meta_pipeline.store.schema.gateway import audit_calls as calls

# No response, or an error in it, whatever its HTTP status.
_FAILED = sa.or_(calls.c.status.is_(None), calls.c.status >= 400, calls.c.code.is_not(None))


_WRITE = calls.insert()
_FIELDS = tuple(field.name for field in dataclasses.fields(AuditEvent))


class AuditLog:
    """Write audit events to the control store."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def write(self, event: AuditEvent) -> None:
        """Record a call."""
        with self._engine.begin() as connection:
            connection.execute(_WRITE, {name: getattr(event, name) for name in _FIELDS})


def find(
    engine: sa.Engine,
    *,
    trace: str | None = None,
    node_id: str | None = None,
    run_id: str | None = None,
    plan_id: str | None = None,
    is_failed: bool = False,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the newest calls that match, newest first."""
    query = sa.select(calls).order_by(calls.c.id.desc()).limit(limit)
    if trace is not None:
        query = query.where(calls.c.fbtrace_id == trace)
    if node_id is not None:
        query = query.where(calls.c.node_id == node_id)
    if run_id is not None:
        query = query.where(calls.c.run_id == run_id)
    if plan_id is not None:
        query = query.where(calls.c.plan_id == plan_id)
    if is_failed:
        query = query.where(_FAILED)
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def calls_by_day(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return calls, the operations that Meta charged and their durations, by UTC day, node and report."""
    at = calls.c.at if engine.dialect.name == "sqlite" else sa.func.timezone("UTC", calls.c.at)
    keys = (sa.func.date(at), sa.func.coalesce(calls.c.node_id, ""), sa.func.coalesce(calls.c.report, ""))
    query = sa.select(
        keys[0].label("day"), keys[1].label("node_id"), keys[2].label("report"),
        sa.func.count().label("calls"),
        sa.func.sum(sa.func.coalesce(calls.c.operations, 1)).label("operations"),
        sa.func.sum(sa.func.coalesce(calls.c.rows, 0)).label("rows"),
        sa.func.sum(sa.case((_FAILED, 1), else_=0)).label("failed"),
        sa.func.sum(calls.c.duration_s).label("seconds"),
        sa.func.max(calls.c.duration_s).label("longest_s"),
    ).group_by(*keys)
    with engine.connect() as connection:
        return [{**row._mapping, "day": str(row.day)} for row in connection.execute(query)]


def operations_of(
    engine: sa.Engine,
    *,
    backfill_id: str | None = None,
    run_id: str | None = None,
    node_id: str | None = None,
    report: str | None = None,
) -> int:
    """Return the operations that Meta charged for a backfill or run, or for one node and report of it."""
    where = calls.c.backfill_id == backfill_id if backfill_id is not None else calls.c.run_id == run_id
    query = sa.select(sa.func.sum(sa.func.coalesce(calls.c.operations, 1))).where(where)
    if node_id is not None:
        query = query.where(calls.c.node_id == node_id)
    if report is not None:
        query = query.where(calls.c.report == report)
    with engine.connect() as connection:
        return int(connection.execute(query).scalar() or 0)


def polls_per_report_run(engine: sa.Engine) -> float | None:
    """Return how often a recent report run was polled on average until it was done; None before the first."""
    recent = _recent()
    query = sa.select(
        sa.func.sum(sa.case((recent.c.report == "report_runs", recent.c.operations), else_=0)),
        sa.func.sum(sa.case((recent.c.method == "POST", sa.case((recent.c.path.endswith("/insights"), 1), else_=0)),
                            else_=0)),
    )
    with engine.connect() as connection:
        polls, runs = (int(count or 0) for count in connection.execute(query).one())
    return polls / runs if runs else None


def seconds_per_call(engine: sa.Engine) -> float | None:
    """Return how many seconds a recent call took on average; None before the first."""
    with engine.connect() as connection:
        average = connection.execute(sa.select(sa.func.avg(_recent().c.duration_s))).scalar()
    return None if average is None else float(average)


def _recent() -> sa.Subquery:
    return sa.select(calls).where(calls.c.report.is_not(None)).order_by(calls.c.id.desc()).limit(2000).subquery()


def last_warnings(engine: sa.Engine, *, since: dt.datetime) -> list[tuple[str, str | None]]:
    """Return the differences between requested and used version in responses, each with Meta's warning."""
    query = (
        sa.select(calls.c.path, calls.c.version, calls.c.warning)
        .where(calls.c.at >= since, calls.c.version.is_not(None))
        .where(sa.or_(calls.c.warning.is_not(None), sa.not_(calls.c.path.startswith("/" + calls.c.version))))
        .order_by(calls.c.id.desc())
        .limit(1000)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    warnings = [
        (f"{row.path.split('/')[1]} was answered as {row.version}", row.warning) for row in rows
    ]
    return list(dict.fromkeys(warnings))


def forget_before(engine: sa.Engine, at: dt.datetime) -> int:
    """Delete the calls before `at`; return their number."""
    with engine.begin() as connection:
        return connection.execute(calls.delete().where(calls.c.at < at)).rowcount
