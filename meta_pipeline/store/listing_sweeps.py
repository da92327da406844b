"""When a listing of entities was read whole the last time, and what was asked for then."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from meta_pipeline.records import LandedFile
from meta_pipeline.store.schema import landed_files, landed_versions, listings


def swept_at(engine: sa.Engine, *, node_id: str, kind: str, asked: str) -> dt.datetime | None:
    """When this listing was read whole; None when never, or when something else was `asked` for then: what is kept of
    it lacks fields."""
    query = sa.select(listings.c.swept_at).where(_here(node_id, kind), listings.c.asked == asked)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def note_sweep(engine: sa.Engine, *, node_id: str, kind: str, asked: str, at: dt.datetime) -> None:
    """This listing was read whole."""
    values = {"swept_at": at, "asked": asked}
    with engine.begin() as connection:
        if not connection.execute(listings.update().where(_here(node_id, kind)).values(values)).rowcount:
            connection.execute(listings.insert().values(node_id=node_id, kind=kind, **values))


def forget_sweeps(engine: sa.Engine, *, node_id: str, kinds: Iterable[str]) -> None:
    """These listings are to be read whole, whenever they are read next."""
    with engine.begin() as connection:
        connection.execute(listings.delete().where(listings.c.node_id == node_id, listings.c.kind.in_(list(kinds))))


def ever_landed(engine: sa.Engine, *, kind: str) -> list[LandedFile]:
    """Every listing of a kind that is in place, of every account: those that were replaced, and those of now."""
    found = []
    with engine.connect() as connection:
        for table in (landed_versions, landed_files):
            columns = [table.c[field.name] for field in dataclasses.fields(LandedFile)]
            rows = connection.execute(sa.select(*columns).where(table.c.report == kind))
            found += [LandedFile(**row._mapping) for row in rows]
    return found


def _here(node_id: str, kind: str) -> sa.ColumnElement[bool]:
    return sa.and_(listings.c.node_id == node_id, listings.c.kind == kind)
