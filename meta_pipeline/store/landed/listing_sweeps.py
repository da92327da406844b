"""Sweeps of each listing of entities: the time of the last one, and its request."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from meta_pipeline.records import LandedFile
from meta_pipeline.store.schema.landed import landed_files, landed_versions, listing_sweeps


def swept_at(engine: sa.Engine, *, node_id: str, kind: str, request_digest: str) -> dt.datetime | None:
    """Return when this listing was last read whole; None if never, or if the request has changed since: that read lacks
    fields."""
    is_same = listing_sweeps.c.request_digest == request_digest
    query = sa.select(listing_sweeps.c.swept_at).where(_here(node_id, kind), is_same)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def swept_by_node(engine: sa.Engine, *, kind: str) -> dict[str, dt.datetime]:
    """Return when this listing was last read whole, by node."""
    columns = (listing_sweeps.c.node_id, listing_sweeps.c.swept_at)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(listing_sweeps.c.kind == kind))
        return {row.node_id: row.swept_at for row in rows}


def record_sweep(engine: sa.Engine, *, node_id: str, kind: str, request_digest: str, at: dt.datetime) -> None:
    """Record that this listing was read whole."""
    values = {"swept_at": at, "request_digest": request_digest}
    with engine.begin() as connection:
        if not connection.execute(listing_sweeps.update().where(_here(node_id, kind)).values(values)).rowcount:
            connection.execute(listing_sweeps.insert().values(node_id=node_id, kind=kind, **values))


def remove_sweeps(engine: sa.Engine, *, node_id: str, kinds: Iterable[str]) -> None:
    """Forget the sweeps of these listings, so that each is read whole the next time."""
    with engine.begin() as connection:
        here = sa.and_(listing_sweeps.c.node_id == node_id, listing_sweeps.c.kind.in_(list(kinds)))
        connection.execute(listing_sweeps.delete().where(here))


def all_listings(engine: sa.Engine, *, kind: str) -> list[LandedFile]:
    """Return every listing of a kind, of every account: earlier versions first, then the current ones."""
    listings: list[LandedFile] = []
    with engine.connect() as connection:
        for table in (landed_versions, landed_files):
            columns = [table.c[field.name] for field in dataclasses.fields(LandedFile)]
            rows = connection.execute(sa.select(*columns).where(table.c.report == kind))
            listings += [LandedFile(**row._mapping) for row in rows]
    return listings


def _here(node_id: str, kind: str) -> sa.ColumnElement[bool]:
    return sa.and_(listing_sweeps.c.node_id == node_id, listing_sweeps.c.kind == kind)
