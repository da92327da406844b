"""Plans in the control store, as records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import StepRecord, from_json, to_json
from meta_pipeline.records import ConfigError
from meta_pipeline.store.plans import plans as table


def keep(engine: sa.Engine, plan: Plan) -> None:
    """Store a new plan."""
    names = ("id", "kind", "title", "node_id", "token_ref", "spec_digest", "status", "reason", "details", "created_at")
    steps = [
        {
            "plan_id": plan.id, "position": record.position, "node_id": plan.node_id, "name": record.step.name,
            "object_kind": record.step.object_kind, "definition": to_json(record.step), "status": record.status,
            "progress": dict(record.progress),
        }
        for record in plan.steps
    ]
    table.insert(engine, {**{name: getattr(plan, name) for name in names}, "changed_at": plan.created_at}, steps)


def load(engine: sa.Engine, plan_id: str, *, kinds: Sequence[str] = ()) -> Plan:
    """Return a plan; raise ConfigError for an unknown id, and for a plan of another kind than `kinds`."""
    stored = table.find(engine, plan_id)
    if stored is None or (kinds and stored[0]["kind"] not in kinds):
        raise ConfigError(f"there is no plan {plan_id[:50]!r}: the command `list` of the same group shows them")
    row, steps = stored
    return Plan(**{name: row[name] for name in row if name != "changed_at"}, steps=tuple(map(_record, steps)))


def load_all(engine: sa.Engine, *, kinds: Sequence[str], node_id: str | None = None) -> list[Plan]:
    """Return every plan of these kinds, newest first."""
    return [load(engine, plan_id) for plan_id in table.find_ids(engine, kinds=kinds, node_id=node_id)]


def mark(engine: sa.Engine, plan: Plan, *, now: dt.datetime, **values: Any) -> None:
    """Change a plan: its status, its reason, its details."""
    table.update(engine, plan.id, now=now, **values)


def mark_step(engine: sa.Engine, plan: Plan, record: StepRecord, **values: Any) -> None:
    """Change a step: its status, its object, its progress."""
    table.update_step(engine, plan.id, record.position, **values)


def _record(row: dict[str, Any]) -> StepRecord:
    names = ("position", "status", "object_id", "sent_at", "progress")
    return StepRecord(step=from_json(row["definition"]), **{name: row[name] for name in names})
