"""The plans in the control store, with their steps. A row of a step is written before its call is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema.plans import plan_steps, plans


def insert(engine: sa.Engine, plan: dict[str, Any], steps: Sequence[dict[str, Any]]) -> None:
    """Store a new plan and its steps, in one transaction."""
    with engine.begin() as connection:
        connection.execute(plans.insert().values(plan))
        connection.execute(plan_steps.insert(), list(steps))


def find(engine: sa.Engine, plan_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Return a plan and its steps in order; None if there is no plan with this id."""
    with engine.connect() as connection:
        plan = connection.execute(sa.select(plans).where(plans.c.id == plan_id)).mappings().first()
        if plan is None:
            return None
        query = sa.select(plan_steps).where(plan_steps.c.plan_id == plan_id).order_by(plan_steps.c.position)
        return dict(plan), [dict(row) for row in connection.execute(query).mappings()]


def find_ids(engine: sa.Engine, *, kinds: Sequence[str], node_id: str | None = None) -> list[str]:
    """Return the ids of the plans of these kinds, with `node_id` only those for this node, newest first."""
    query = sa.select(plans.c.id).where(plans.c.kind.in_(list(kinds))).order_by(plans.c.created_at.desc(), plans.c.id)
    if node_id is not None:
        query = query.where(plans.c.node_id == node_id)
    with engine.connect() as connection:
        return [str(row.id) for row in connection.execute(query)]


def update(engine: sa.Engine, plan_id: str, *, now: dt.datetime, **values: Any) -> None:
    """Change a plan."""
    with engine.begin() as connection:
        connection.execute(plans.update().where(plans.c.id == plan_id).values(changed_at=now, **values))


def update_step(engine: sa.Engine, plan_id: str, position: int, **values: Any) -> None:
    """Change a step durably: the store must have it before a call is sent, even if the power fails afterwards."""
    here = sa.and_(plan_steps.c.plan_id == plan_id, plan_steps.c.position == position)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma synchronous = full")
        connection.execute(plan_steps.update().where(here).values(**values))


def created_objects(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return the objects that plans have created, including removed ones: node, kind and id of each, and the plan."""
    query = (
        sa.select(
            plan_steps.c.node_id, plan_steps.c.object_kind, plan_steps.c.object_id, plan_steps.c.plan_id,
            plan_steps.c.progress,
        )
        .where(plan_steps.c.object_id.is_not(None), plan_steps.c.status.in_(["created", "done", "removed"]))
        .order_by(plan_steps.c.plan_id, plan_steps.c.position)
    )
    created: dict[str, dict[str, Any]] = {}
    with engine.connect() as connection:
        for row in connection.execute(query).mappings():
            # People see a video as the post that shows it.
            object_id = row["progress"].get("outputs", {}).get("post_id") or row["object_id"]
            names = ("node_id", "object_kind", "plan_id")
            created.setdefault(object_id, {**{name: row[name] for name in names}, "object_id": object_id})
    return list(created.values())


def ids_of_others(engine: sa.Engine, plan_id: str) -> set[str]:
    """Return the ids of the objects that all other plans have created."""
    query = sa.select(plan_steps.c.object_id).where(
        plan_steps.c.object_id.is_not(None), plan_steps.c.plan_id != plan_id
    )
    with engine.connect() as connection:
        return {str(row.object_id) for row in connection.execute(query)}
