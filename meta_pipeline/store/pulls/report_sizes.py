"""Sizes learned from Meta's responses by account and report, and the durations of report runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema.pulls import report_run_durations, report_sizes

COLUMNS = (
    "page", "page_refused", "days", "days_refused", "rows_per_day", "sync_refused", "refused_at", "page_succeeded",
)
# The `node_id` of durations that were learned from all accounts of the app.
APP = ""


def get(engine: sa.Engine, *, node_id: str, report: str) -> dict[str, Any]:
    """Return the learned sizes; {} if there are none yet."""
    query = sa.select(report_sizes).where(_here(node_id, report))
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return {} if row is None else {name: row._mapping[name] for name in COLUMNS}


def put(engine: sa.Engine, *, node_id: str, report: str, sizes: dict[str, Any]) -> None:
    """Store the sizes."""
    values = {name: sizes[name] for name in COLUMNS}
    with engine.begin() as connection:
        if not connection.execute(report_sizes.update().where(_here(node_id, report)).values(values)).rowcount:
            connection.execute(report_sizes.insert().values(node_id=node_id, report=report, **values))


def _here(node_id: str, report: str) -> sa.ColumnElement[bool]:
    return sa.and_(report_sizes.c.node_id == node_id, report_sizes.c.report == report)


def durations(engine: sa.Engine, *, node_id: str) -> dict[tuple[str, str, int], float]:
    """Return how many seconds report runs take, of this account and of the app (`APP`), by node id, report and size
    class in days."""
    table = report_run_durations
    query = sa.select(table).where(table.c.node_id.in_([node_id, APP]))
    with engine.connect() as connection:
        return {(row.node_id, row.report, row.days): row.seconds for row in connection.execute(query)}


def put_durations(engine: sa.Engine, seconds_by_key: Mapping[tuple[str, str, int], float]) -> None:
    """Write durations, keyed as `durations` returns them."""
    table = report_run_durations
    with engine.begin() as connection:
        for (node_id, report, days), seconds in sorted(seconds_by_key.items()):
            here = sa.and_(table.c.node_id == node_id, table.c.report == report, table.c.days == days)
            if not connection.execute(table.update().where(here).values(seconds=seconds)).rowcount:
                connection.execute(table.insert().values(node_id=node_id, report=report, days=days, seconds=seconds))
