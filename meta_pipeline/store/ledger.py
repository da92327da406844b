"""The ledger of landed files: the queue between landing and loading."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from meta_pipeline.records import LandedFile
from meta_pipeline.store import leases
from meta_pipeline.store.schema import Utc, landed_files, landed_versions

_DAY = ("report", "node_id", "day")
_KEY = (landed_files.c.report, landed_files.c.node_id, landed_files.c.day)


def note(
    engine: sa.Engine,
    *files: LandedFile,
    backfill_id: str | None,
    stood_since: Mapping[dt.date, dt.datetime] | None = None,
) -> None:
    """The files are in place, in one transaction. Each waits to be loaded, unless the same content was loaded before;
    the same content keeps the time at which it landed first, and only the time of reading moves. So does what is
    spelled otherwise and says the same since an earlier time. When this process holds the node's lease, it is renewed
    in the same transaction: LeaseLostError, and nothing is noted, when another run has taken it."""
    since = stood_since or {}
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
        | {"landed_at": since.get(file.day, file.landed_at)}
        | {"backfill_id": backfill_id, "read_at": file.landed_at, "loaded_at": None}
        for file in files
    ]
    with engine.begin() as connection:
        for node_id in {file.node_id for file in files}:
            if lease := leases.mine(engine, node_id):
                lease.renew_in(connection)
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
    engine: sa.Engine, *, report: str, node_id: str, days: Sequence[dt.date], backfill_id: str | None = None
) -> dict[dt.date, LandedFile]:
    """The landed files of some days of one report and node; of all backfills, or only those that one has landed."""
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


def versions_waiting(engine: sa.Engine, *, reports: Iterable[str]) -> list[Version]:
    """The earlier versions of these reports' days that are not loaded yet, oldest first."""
    is_waiting = sa.and_(landed_versions.c.report.in_(list(reports)), landed_versions.c.loaded_at.is_(None))
    keys = sa.select(*(landed_versions.c[name] for name in _DAY)).where(is_waiting).distinct()
    spans = _spans(keys)
    query = (
        sa.select(landed_versions, spans.c.replaced_at)
        .join(spans, _same(landed_versions, spans, *_DAY, "landed_at"))
        .where(is_waiting)
        .order_by(*(landed_versions.c[name] for name in (*_DAY, "landed_at")))
    )
    with engine.connect() as connection:
        return [Version(_file(row), row.replaced_at) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVersion:
    """A version of a day: what Meta said from `landed_at` until `replaced_at`, None for what it says now, and when it
    was asked for last."""

    report: str
    node_id: str
    day: dt.date
    landed_at: dt.datetime
    replaced_at: dt.datetime | None
    read_at: dt.datetime
    rows: int


def day_versions(engine: sa.Engine, *, reports: Iterable[str], since: dt.datetime | None) -> list[DayVersion]:
    """Every version of the days of these reports that were read since then, the earlier ones included."""
    read_at = sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at)
    keys = sa.select(*(landed_files.c[name] for name in _DAY)).where(
        landed_files.c.report.in_(list(reports)), *(() if since is None else (read_at >= since,))
    )
    spans = _spans(keys)
    with engine.connect() as connection:
        return [DayVersion(**row) for row in connection.execute(sa.select(spans)).mappings()]


def _spans(keys: sa.Select[Any]) -> sa.Subquery:
    """Every version of these days with its end. A version that was kept while its successor is not noted yet, because
    the process was killed in between, is the current one still."""
    wanted = keys.subquery()
    is_earlier = sa.and_(
        _same(landed_versions, landed_files, *_DAY), landed_versions.c.landed_at < landed_files.c.landed_at
    )
    every = sa.union_all(
        sa.select(
            *(landed_versions.c[name] for name in (*_DAY, "landed_at", "rows")),
            landed_versions.c.landed_at.label("read_at"),
        ).join(wanted, _same(landed_versions, wanted, *_DAY)).join(landed_files, is_earlier),
        sa.select(
            *(landed_files.c[name] for name in (*_DAY, "landed_at", "rows")),
            sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at).label("read_at"),
        ).join(wanted, _same(landed_files, wanted, *_DAY)),
    ).subquery()
    follows = sa.func.lead(every.c.landed_at).over(
        partition_by=[every.c[name] for name in _DAY], order_by=every.c.landed_at
    )
    return sa.select(every, sa.type_coerce(follows, Utc()).label("replaced_at")).subquery()


def _same(left: sa.FromClause, right: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(left.c[name] == right.c[name] for name in names))


def mark_versions_loaded(engine: sa.Engine, versions: Iterable[Version], *, now: dt.datetime) -> None:
    """These versions are in the warehouse."""
    names = (*_DAY, "landed_at")
    statement = (
        landed_versions.update()
        .where(*(landed_versions.c[name] == sa.bindparam(f"_{name}") for name in names))
        .values(loaded_at=now)
    )
    rows = [{f"_{name}": getattr(version.file, name) for name in names} for version in versions]
    if rows:
        with engine.begin() as connection:
            connection.execute(statement, rows)


def last_read(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> dt.datetime | None:
    """When Meta was asked for this day last, whether or not anything had changed; None when never."""
    query = sa.select(sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at)).where(
        _day_of(landed_files, report, node_id, day)
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


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


def waiting_reads(engine: sa.Engine) -> list[dt.datetime]:
    """When the files that wait were read: a day that says what it said keeps the time at which it landed first."""
    query = sa.select(sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at)).where(
        landed_files.c.loaded_at.is_(None)
    )
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


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


def wait_again(engine: sa.Engine) -> None:
    """List every landed file and every earlier version as not loaded."""
    with engine.begin() as connection:
        for table in (landed_files, landed_versions):
            connection.execute(table.update().where(table.c.loaded_at.is_not(None)).values(loaded_at=None))


Key = tuple[str, str, dt.date]


def days_wait_again(engine: sa.Engine, keys: Iterable[Key]) -> None:
    """List these days (report, node id, day) and their earlier versions as not loaded."""
    rows = [dict(zip(("_report", "_node_id", "_day"), key, strict=True)) for key in keys]
    if not rows:
        return
    with engine.begin() as connection:
        for table in (landed_files, landed_versions):
            here = (table.c[name] == sa.bindparam(f"_{name}") for name in _DAY)
            connection.execute(table.update().where(*here).values(loaded_at=None), rows)


def loaded_days(engine: sa.Engine) -> list[tuple[str, str, dt.date, int, int]]:
    """Return every day with rows that is listed as loaded: report, node id, day, its rows, and the rows of those of
    its earlier versions that are listed as loaded."""
    def rows_by_day(table: sa.Table) -> sa.Select[Any]:
        keys = [table.c[name] for name in _DAY]
        query = sa.select(*keys, sa.func.sum(table.c.rows).label("rows"))
        return query.where(table.c.loaded_at.is_not(None), table.c.rows > 0).group_by(*keys)

    with engine.connect() as connection:
        days = {tuple(row[:3]): (int(row.rows), 0) for row in connection.execute(rows_by_day(landed_files))}
        for row in connection.execute(rows_by_day(landed_versions)):
            key = tuple(row[:3])
            days[key] = (days.get(key, (0, 0))[0], int(row.rows))
    return [(*key, *rows) for key, rows in days.items()]


def forget(engine: sa.Engine, file: LandedFile) -> None:
    """Remove a landed file from the ledger, so that its day is landed again. A file that landed again meanwhile stays:
    its digest differs."""
    here = _day_of(landed_files, file.report, file.node_id, file.day)
    with engine.begin() as connection:
        connection.execute(landed_files.delete().where(here, landed_files.c.digest == file.digest))


def forget_version(engine: sa.Engine, file: LandedFile) -> None:
    """Remove an earlier version of a day from the ledger."""
    here = _day_of(landed_versions, file.report, file.node_id, file.day)
    with engine.begin() as connection:
        connection.execute(landed_versions.delete().where(here, landed_versions.c.landed_at == file.landed_at))


def newest_read(engine: sa.Engine) -> dt.datetime | None:
    """Return when a day was read last, of any report; None when nothing has landed."""
    read_at = sa.func.coalesce(landed_files.c.read_at, landed_files.c.landed_at)
    query = sa.select(sa.type_coerce(sa.func.max(read_at), Utc()))
    with engine.connect() as connection:
        found: dt.datetime | None = connection.execute(query).scalar()
    return found


def is_waiting(engine: sa.Engine, *, reports: Iterable[str], with_versions: Iterable[str]) -> bool:
    """Return True if a landed file of these reports, or an earlier version of those `with_versions`, is not loaded."""
    with engine.connect() as connection:
        return any(
            connection.execute(
                sa.select(table.c.day).where(table.c.loaded_at.is_(None), table.c.report.in_(list(names))).limit(1)
            ).first()
            for table, names in ((landed_files, reports), (landed_versions, with_versions))
        )


def _day_of(table: sa.Table, report: str, node_id: str, day: dt.date) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.report == report, table.c.node_id == node_id, table.c.day == day)


def _file(row: sa.Row[tuple[object, ...]]) -> LandedFile:
    return LandedFile(
        report=row.report, node_id=row.node_id, day=row.day, path=row.path, rows=row.rows, digest=row.digest,
        landed_at=row.landed_at,
    )
