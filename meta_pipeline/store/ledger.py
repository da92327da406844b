"""The ledger of landed files: the queue between landing and loading."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from meta_pipeline.records import LandedFile
from meta_pipeline.store.schema import landed_files, landed_versions

_KEY = (landed_files.c.report, landed_files.c.node_id, landed_files.c.day)


def note(engine: sa.Engine, *files: LandedFile, backfill_id: str | None) -> None:
    """The files are in place, in one transaction. Each waits to be loaded, unless the same
    content was loaded before; the same content keeps the time at which it landed first, and only the time of reading
    moves."""
    if not files:
        return
    insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    statement = insert(landed_files)
    new = statement.excluded
    is_same = landed_files.c.digest == new.digest
    statement = statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            **{name: new[name] for name in ("path", "rows", "digest", "backfill_id", "read_at")},
            "landed_at": sa.case((is_same, landed_files.c.landed_at), else_=new.landed_at),
            "loaded_at": sa.case((is_same, landed_files.c.loaded_at), else_=None),
        },
    )
    names = [column.name for column in dataclasses.fields(LandedFile)]
    rows = [
        {name: getattr(file, name) for name in names}
        | {"backfill_id": backfill_id, "read_at": file.landed_at, "loaded_at": None}
        for file in files
    ]
    with engine.begin() as connection:
        connection.execute(statement, rows)


def note_version(engine: sa.Engine, file: LandedFile) -> None:
    """An earlier version of a day, kept beside the one that took its place. Noting it again changes nothing."""
    here = sa.and_(
        _day_of(landed_versions, file.report, file.node_id, file.day), landed_versions.c.landed_at == file.landed_at
    )
    with engine.begin() as connection:
        if connection.execute(sa.select(landed_versions.c.path).where(here)).first() is None:
            connection.execute(landed_versions.insert().values(dataclasses.asdict(file)))


def versions_of(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> list[LandedFile]:
    """The earlier versions of a day, oldest first; each was what Meta said from its `landed_at` on."""
    query = sa.select(landed_versions).where(_day_of(landed_versions, report, node_id, day))
    with engine.connect() as connection:
        return [_file(row) for row in connection.execute(query.order_by(landed_versions.c.landed_at))]


def find_days(
    engine: sa.Engine, *, report: str, node_id: str, days: Sequence[dt.date]
) -> dict[dt.date, LandedFile]:
    """The landed files of some days of one report and node."""
    if not days:
        return {}
    query = sa.select(landed_files).where(
        landed_files.c.report == report, landed_files.c.node_id == node_id, landed_files.c.day >= min(days),
        landed_files.c.day <= max(days),
    )
    wanted = set(days)
    with engine.connect() as connection:
        return {row.day: _file(row) for row in connection.execute(query) if row.day in wanted}


def find(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> LandedFile | None:
    """The landed file of one report, node and day."""
    query = sa.select(landed_files).where(_day_of(landed_files, report, node_id, day))
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return _file(row) if row else None


@dataclass(frozen=True, slots=True)
class Version:
    """An earlier version of a day: what Meta said until `replaced_at`."""

    file: LandedFile
    replaced_at: dt.datetime


def versions_waiting(engine: sa.Engine, *, report: str) -> list[Version]:
    """The earlier versions of a report's days that are not loaded yet, oldest first."""
    waiting_for = (
        sa.select(landed_versions)
        .where(landed_versions.c.report == report, landed_versions.c.loaded_at.is_(None))
        .order_by(landed_versions.c.node_id, landed_versions.c.day, landed_versions.c.landed_at)
    )
    found = []
    with engine.connect() as connection:
        for row in connection.execute(waiting_for).all():
            later = [
                sa.select(table.c.landed_at).where(
                    _day_of(table, report, row.node_id, row.day), table.c.landed_at > row.landed_at
                )
                for table in (landed_versions, landed_files)
            ]
            times: list[dt.datetime] = list(connection.execute(sa.union_all(*later)).scalars())
            if times:
                found.append(Version(_file(row), min(times)))
    return found


def mark_versions_loaded(engine: sa.Engine, versions: Iterable[Version], *, now: dt.datetime) -> None:
    """These versions are in the warehouse."""
    with engine.begin() as connection:
        for version in versions:
            file = version.file
            connection.execute(
                landed_versions.update().where(
                    _day_of(landed_versions, file.report, file.node_id, file.day),
                    landed_versions.c.landed_at == file.landed_at,
                ).values(loaded_at=now)
            )


def last_read(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> dt.datetime | None:
    """When Meta was asked for this day last, whether or not anything had changed; None when never."""
    query = sa.select(sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at)).where(
        _day_of(landed_files, report, node_id, day)
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def landed_for(
    engine: sa.Engine, *, report: str, node_id: str, days: Iterable[dt.date], backfill_id: str
) -> dict[dt.date, LandedFile]:
    """The days that this backfill has landed already."""
    query = sa.select(landed_files).where(
        landed_files.c.report == report,
        landed_files.c.node_id == node_id,
        landed_files.c.backfill_id == backfill_id,
    )
    wanted = set(days)
    with engine.connect() as connection:
        return {row.day: _file(row) for row in connection.execute(query) if row.day in wanted}


def count_landed(engine: sa.Engine, *, backfill_id: str, reports: Iterable[str]) -> int:
    """How many days this backfill has landed so far."""
    query = sa.select(sa.func.count()).where(
        landed_files.c.backfill_id == backfill_id, landed_files.c.report.in_(list(reports))
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


def files_of(engine: sa.Engine, *, report: str, node_id: str) -> list[LandedFile]:
    """Every landed file of one report and node."""
    query = sa.select(landed_files).where(landed_files.c.report == report, landed_files.c.node_id == node_id)
    with engine.connect() as connection:
        return [_file(row) for row in connection.execute(query.order_by(landed_files.c.day))]


def read_days(
    engine: sa.Engine, *, node_id: str, reports: Iterable[str], since: dt.date
) -> dict[dt.date, dt.datetime]:
    """The days that every one of these reports has, and when the one that was read longest ago was."""
    wanted = sorted(reports)
    read_at = sa.func.min(sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at))
    query = (
        sa.select(landed_files.c.day, read_at.label("at"), sa.func.count().label("reports"))
        .where(landed_files.c.node_id == node_id, landed_files.c.report.in_(wanted), landed_files.c.day >= since)
        .group_by(landed_files.c.day)
    )
    with engine.connect() as connection:
        return {row.day: row.at for row in connection.execute(query) if row.reports == len(wanted)}


def last_pulls(engine: sa.Engine) -> dict[str, dt.datetime]:
    """When every node was read last."""
    read_at = sa.func.max(sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at))
    query = sa.select(landed_files.c.node_id, read_at.label("at")).group_by(landed_files.c.node_id)
    with engine.connect() as connection:
        return {row.node_id: row.at for row in connection.execute(query)}


def waiting(engine: sa.Engine) -> list[LandedFile]:
    """The files that landed and are not loaded yet."""
    query = sa.select(landed_files).where(landed_files.c.loaded_at.is_(None))
    with engine.connect() as connection:
        return [_file(row) for row in connection.execute(query.order_by(*_KEY))]


def mark_loaded(engine: sa.Engine, files: Iterable[LandedFile], *, now: dt.datetime) -> None:
    """These files are in the warehouse. A file that landed again meanwhile keeps waiting: its digest differs."""
    statement = (
        landed_files.update()
        .where(
            landed_files.c.report == sa.bindparam("_report"),
            landed_files.c.node_id == sa.bindparam("_node_id"),
            landed_files.c.day == sa.bindparam("_day"),
            landed_files.c.digest == sa.bindparam("_digest"),
        )
        .values(loaded_at=now)
    )
    rows = [
        {"_report": file.report, "_node_id": file.node_id, "_day": file.day, "_digest": file.digest} for file in files
    ]
    if rows:
        with engine.begin() as connection:
            connection.execute(statement, rows)


def _day_of(table: sa.Table, report: str, node_id: str, day: dt.date) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.report == report, table.c.node_id == node_id, table.c.day == day)


def _file(row: sa.Row[tuple[object, ...]]) -> LandedFile:
    return LandedFile(row.report, row.node_id, row.day, row.path, row.rows, row.digest, row.landed_at)
