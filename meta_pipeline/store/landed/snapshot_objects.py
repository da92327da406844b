"""The objects of a node whose lifetime metrics are read by age (posts, media), and when each was read last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.landed import snapshot_objects
from meta_pipeline.store.upserts import insert_or_replace

_VALUES = ("created_on", "kind", "read_on", "read_before_on", "gone_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotObject:
    """One post or media. `created_on`: its first day, None if Meta does not return it; `kind`: its media type;
    `read_on` and `read_before_on`: the last two days on which its metrics were read; `gone_on`: the day on which Meta
    no longer had it. All days are on the node's calendar."""

    id: str
    created_on: dt.date | None = None
    kind: str | None = None
    read_on: dt.date | None = None
    read_before_on: dt.date | None = None
    gone_on: dt.date | None = None


def find_all(engine: sa.Engine, *, node_id: str, report: str) -> dict[str, SnapshotObject]:
    """Return every known object of a node, by id."""
    table = snapshot_objects
    query = sa.select(table).where(table.c.node_id == node_id, table.c.report == report)
    with engine.connect() as connection:
        return {
            row.object_id: SnapshotObject(id=row.object_id, **{name: row._mapping[name] for name in _VALUES})
            for row in connection.execute(query)
        }


def save(engine: sa.Engine, objects: Iterable[SnapshotObject], *, node_id: str, report: str) -> None:
    """Insert or replace these objects, in one transaction."""
    rows = [
        {
            "node_id": node_id, "report": report, "object_id": each.id,
            **{name: getattr(each, name) for name in _VALUES},
        }
        for each in objects
    ]
    insert_or_replace(engine, snapshot_objects, rows)


def mark_due(
    engine: sa.Engine, *, node_id: str, report: str, ids: Iterable[str] | None = None, since: dt.date | None = None
) -> None:
    """Mark these objects of a node, or all that were created `since` a day, as due for the next read, whenever they
    were last read."""
    table = snapshot_objects
    here = sa.and_(table.c.node_id == node_id, table.c.report == report)
    if ids is not None:
        here = sa.and_(here, table.c.object_id.in_(list(ids)))
    if since is not None:
        here = sa.and_(here, table.c.created_on >= since)
    with engine.begin() as connection:
        connection.execute(table.update().where(here).values(read_on=None, read_before_on=None))
