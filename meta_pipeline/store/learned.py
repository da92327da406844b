"""What was learned of how much Meta gives at once, by account and report."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema import learned_sizes

COLUMNS = ("page", "page_refused", "days", "days_refused", "rows_a_day", "sync_refused", "refused_at", "seconds")


def get(engine: sa.Engine, *, node_id: str, report: str) -> dict[str, Any]:
    """What is known; nothing at first."""
    query = sa.select(learned_sizes).where(_here(node_id, report))
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return {} if row is None else {name: row._mapping[name] for name in COLUMNS}


def put(engine: sa.Engine, *, node_id: str, report: str, known: dict[str, Any]) -> None:
    """What is known now."""
    values = {name: known[name] for name in COLUMNS}
    with engine.begin() as connection:
        if not connection.execute(learned_sizes.update().where(_here(node_id, report)).values(values)).rowcount:
            connection.execute(learned_sizes.insert().values(node_id=node_id, report=report, **values))


def _here(node_id: str, report: str) -> sa.ColumnElement[bool]:
    return sa.and_(learned_sizes.c.node_id == node_id, learned_sizes.c.report == report)
