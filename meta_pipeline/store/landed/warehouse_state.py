"""The control store's record of the warehouse file: its identity, its last load, and the last publication.

`landed_files.loaded_at` refers to one DuckDB file. A load writes a new random id into the file and into this record, so
that a file which was lost, replaced or restored from an older copy is recognized: its load id is not the one recorded
here. The record names the next id before the file gets it, so a kill between the two commits is recognized too."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.landed import load_queue
from meta_pipeline.store.schema.landed import warehouse_state

_ROW = warehouse_state.c.id == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseState:
    """The control store's record of the warehouse file. `read_until`: the newest read time in the ledger when the last
    load began; `built_…`: the load that the marts were built from, and the digest of everything else that decides their
    content; `published_…`: the same for the published file, and its size."""

    identity: str | None = None
    loads: int = 0
    load_id: str | None = None
    next_load_id: str | None = None
    read_until: dt.datetime | None = None
    is_reload_requested: bool = False
    built_load_id: str | None = None
    built_digest: str | None = None
    published_load_id: str | None = None
    published_digest: str | None = None
    published_bytes: int | None = None
    published_at: dt.datetime | None = None

    def has_load(self, load_id: str | None) -> bool:
        """Return whether a file with this load id holds everything that the ledger lists as loaded."""
        return load_id is not None and load_id in (self.load_id, self.next_load_id)


def find(engine: sa.Engine) -> WarehouseState:
    """Return the record; an empty one before the first load."""
    columns = [warehouse_state.c[name] for name in WarehouseState.__dataclass_fields__]
    with engine.connect() as connection:
        row = connection.execute(sa.select(*columns).where(_ROW)).first()
    return WarehouseState(**row._mapping) if row else WarehouseState()


def start_load(engine: sa.Engine, *, load_id: str) -> None:
    """Record the id of the load that starts, before the warehouse file gets it."""
    _write(engine, next_load_id=load_id)


def finish_load(
    engine: sa.Engine, *, identity: str, loads: int, load_id: str, read_until: dt.datetime | None
) -> None:
    """Record that the warehouse file holds this load."""
    _write(
        engine, identity=identity, loads=loads, load_id=load_id, next_load_id=None, read_until=read_until,
    )


def request_reload(engine: sa.Engine) -> None:
    """Make the next load write a new file from everything in the ledger."""
    _write(engine, is_reload_requested=True)
    load_queue.reset(engine)


def record_replacement(engine: sa.Engine) -> None:
    """Record that the new file has replaced the old one."""
    _write(engine, is_reload_requested=False)


def record_marts(engine: sa.Engine, *, load_id: str | None, digest: str) -> None:
    """Record the load that all marts were built from, and the digest of everything else that decides their content."""
    _write(engine, built_load_id=load_id, built_digest=digest)


def record_publication(engine: sa.Engine, *, size: int, at: dt.datetime) -> None:
    """Record that the last build of the marts is published, in a file of `size` bytes."""
    built = find(engine)
    _write(
        engine, published_load_id=built.built_load_id, published_digest=built.built_digest, published_bytes=size,
        published_at=at,
    )


def record_published_size(engine: sa.Engine, size: int) -> None:
    """Record the size of a published file that was rewritten with the same build."""
    _write(engine, published_bytes=size)


def _write(engine: sa.Engine, **values: Any) -> None:
    with engine.begin() as connection:
        if not connection.execute(warehouse_state.update().where(_ROW).values(values)).rowcount:
            new = {"id": 1, "loads": 0, "is_reload_requested": False, **values}
            connection.execute(warehouse_state.insert().values(new))
