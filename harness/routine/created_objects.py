"""Objects that plans have created at Meta, as the control store has them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from meta_pipeline.store.schema.plans import plan_steps


def create_by_plan(
    engine: sa.Engine, node_id: str, ids: Mapping[str, str], *, plan_id: str, status: str = "done"
) -> None:
    """Record that a plan has created objects, by their kind."""
    with engine.begin() as connection:
        connection.execute(plan_steps.delete().where(plan_steps.c.object_id.in_(list(ids.values()))))
        connection.execute(plan_steps.insert(), [
            {
                "plan_id": plan_id, "position": position, "node_id": node_id, "name": kind, "object_kind": kind,
                "definition": {}, "status": status, "object_id": id, "progress": {},
            }
            for position, (kind, id) in enumerate(ids.items())
        ])
