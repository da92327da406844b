"""The ledger of landed files: which report, node and day each file in place holds."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from meta_pipeline.records import LandedFile
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.schema.landed import landed_files
from meta_pipeline.store.upserts import insert

DAY_KEY = ("report", "node_id", "day")
# When a day was last read, whether or not anything had changed.
read_time = sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at)

def record(
    engine: sa.Engine,
    *files: LandedFile,
    backfill_id: str | None,
    unchanged_since: Mapping[dt.date, dt.datetime] | None = None,
) -> None:
    """Record that the files are in place, in one transaction. Each waits to be loaded, unless the same content was
    loaded before. The same content keeps its `landed_at`, and only `read_at` changes; `unchanged_since` has the
    `landed_at` of files whose bytes changed without a restatement. If this process holds the node's lease, renew it in
    the same transaction: if another run has it, raise LeaseLostError and record nothing."""
    since = unchanged_since or {}
    if not files:
        return
    statement = insert(landed_files, dialect=engine.dialect.name)
    new = statement.excluded
    is_same = landed_files.c.digest == new.digest
    statement = statement.on_conflict_do_update(
        index_elements=DAY_KEY,
        set_={
            **{name: new[name] for name in ("path", "rows", "digest", "backfill_id", "read_at")},
            "landed_at": sa.case((is_same, landed_files.c.landed_at), else_=new.landed_at),
            "loaded_at": sa.case((is_same, landed_files.c.loaded_at), else_=None),
        },
    )
    names = [column.name for column in dataclasses.fields(LandedFile)]
    rows = [
        {name: getattr(file, name) for name in names}
        | {"landed_at": since.get(file.day, file.landed_at)}
        | {"backfill_id": backfill_id, "read_at": file.landed_at, "loaded_at": None}
        for file in files
    ]
    with engine.begin() as connection:
        for node_id in {file.node_id for file in files}:
            if lease := leases.find_own(engine, node_id):
                lease.renew_in(connection)
        connection.execute(statement, rows)


def find(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> LandedFile | None:
    """Return the landed file of one report, node and day; None if it has not landed."""
    query = sa.select(landed_files).where(day_is(landed_files, report, node_id, day))
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return file_of(row) if row else None


def find_days(
    engine: sa.Engine, *, report: str, node_id: str, days: Sequence[dt.date], backfill_id: str | None = None
) -> dict[dt.date, LandedFile]:
    """Return the landed files of some days of one report and node; with `backfill_id`, only those that this backfill
    has landed."""
    if not days:
        return {}
    query = sa.select(landed_files).where(
        landed_files.c.report == report, landed_files.c.node_id == node_id, landed_files.c.day >= min(days),
        landed_files.c.day <= max(days),
    )
    if backfill_id is not None:
        query = query.where(landed_files.c.backfill_id == backfill_id)
    wanted = set(days)
    with engine.connect() as connection:
        return {row.day: file_of(row) for row in connection.execute(query) if row.day in wanted}


def files_of(engine: sa.Engine, *, report: str, node_id: str) -> list[LandedFile]:
    """Return every landed file of one report and node."""
    query = sa.select(landed_files).where(landed_files.c.report == report, landed_files.c.node_id == node_id)
    with engine.connect() as connection:
        return [file_of(row) for row in connection.execute(query.order_by(landed_files.c.day))]


def count_landed(engine: sa.Engine, *, backfill_id: str, reports: Iterable[str]) -> int:
    """Return the number of days that this backfill has landed so far."""
    query = sa.select(sa.func.count()).where(
        landed_files.c.backfill_id == backfill_id, landed_files.c.report.in_(list(reports))
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


def remove(engine: sa.Engine, file: LandedFile) -> None:
    """Remove a landed file from the ledger, so that its day is landed again. A file that landed again meanwhile stays:
    its digest differs."""
    here = day_is(landed_files, file.report, file.node_id, file.day)
    with engine.begin() as connection:
        connection.execute(landed_files.delete().where(here, landed_files.c.digest == file.digest))


def day_is(table: sa.Table, report: str, node_id: str, day: dt.date) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.report == report, table.c.node_id == node_id, table.c.day == day)


def file_of(row: sa.Row[tuple[object, ...]]) -> LandedFile:
    return LandedFile(
        report=row.report, node_id=row.node_id, day=row.day, path=row.path, rows=row.rows, digest=row.digest,
        landed_at=row.landed_at,
    )
