"""Records of people that were erased and must not be stored again, by keyed digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from meta_pipeline.store.schema.leaving import erased_records
from meta_pipeline.store.upserts import insert

_CHUNK = 500


def record(engine: sa.Engine, digests: Collection[str], *, now: dt.datetime) -> None:
    """Record that the records with these digests were erased."""
    if not digests:
        return
    statement = insert(erased_records, dialect=engine.dialect.name).on_conflict_do_nothing(index_elements=["digest"])
    with engine.begin() as connection:
        connection.execute(statement, [{"digest": each, "erased_at": now} for each in sorted(set(digests))])


def find(engine: sa.Engine, digests: Collection[str]) -> frozenset[str]:
    """Return those of these digests that were erased."""
    erased, wanted, column = set[str](), sorted(set(digests)), erased_records.c.digest
    with engine.connect() as connection:
        for start in range(0, len(wanted), _CHUNK):
            query = sa.select(column).where(column.in_(wanted[start : start + _CHUNK]))
            erased.update(connection.execute(query).scalars())
    return frozenset(erased)
