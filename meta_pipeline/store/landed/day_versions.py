"""Earlier versions of days: what Meta returned before, and from when until when it was current."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed.ledger import DAY_KEY, day_is, file_of, read_time
from meta_pipeline.store.schema.landed import landed_files, landed_versions
from meta_pipeline.store.schema.metadata import Utc


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """An earlier version of a day, current until `replaced_at`."""

    file: LandedFile
    replaced_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVersion:
    """A version of a day, current from `landed_at` until `replaced_at` (None for the current one), and last read at
    `read_at`."""

    report: str
    node_id: str
    day: dt.date
    landed_at: dt.datetime
    replaced_at: dt.datetime | None
    read_at: dt.datetime
    rows: int


def record(engine: sa.Engine, file: LandedFile) -> None:
    """Record an earlier version of a day. Recording it again changes nothing."""
    here = sa.and_(
        day_is(landed_versions, file.report, file.node_id, file.day), landed_versions.c.landed_at == file.landed_at
    )
    with engine.begin() as connection:
        if connection.execute(sa.select(landed_versions.c.path).where(here)).first() is None:
            connection.execute(landed_versions.insert().values(dataclasses.asdict(file)))


def find(engine: sa.Engine, *, report: str, node_id: str, day: dt.date) -> list[LandedFile]:
    """Return the earlier versions of a day, oldest first; each was current from its `landed_at` on."""
    query = sa.select(landed_versions).where(day_is(landed_versions, report, node_id, day))
    with engine.connect() as connection:
        return [file_of(row) for row in connection.execute(query.order_by(landed_versions.c.landed_at))]


def find_waiting(engine: sa.Engine, *, reports: Iterable[str]) -> list[EarlierVersion]:
    """Return the earlier versions of these reports' days that are not loaded yet, oldest first."""
    is_waiting = sa.and_(landed_versions.c.report.in_(list(reports)), landed_versions.c.loaded_at.is_(None))
    keys = sa.select(*(landed_versions.c[name] for name in DAY_KEY)).where(is_waiting).distinct()
    spans = _spans(keys)
    query = (
        sa.select(landed_versions, spans.c.replaced_at)
        .join(spans, _same(landed_versions, spans, *DAY_KEY, "landed_at"))
        .where(is_waiting)
        .order_by(*(landed_versions.c[name] for name in (*DAY_KEY, "landed_at")))
    )
    with engine.connect() as connection:
        return [EarlierVersion(file_of(row), row.replaced_at) for row in connection.execute(query)]


def find_since(engine: sa.Engine, *, since: Mapping[str, dt.datetime | None]) -> list[DayVersion]:
    """Return every version, earlier ones too, of the days that were read since the time given for their report; if that
    is None, of all days of the report."""
    reports_by_time: dict[dt.datetime | None, list[str]] = {}
    for report, time in since.items():
        reports_by_time.setdefault(time, []).append(report)
    keys = sa.select(*(landed_files.c[name] for name in DAY_KEY)).where(sa.or_(sa.false(), *(
        landed_files.c.report.in_(reports) if time is None
        else sa.and_(landed_files.c.report.in_(reports), read_time >= time)
        for time, reports in reports_by_time.items()
    )))
    spans = _spans(keys)
    with engine.connect() as connection:
        return [DayVersion(**row) for row in connection.execute(sa.select(spans)).mappings()]


def _spans(keys: sa.Select[Any]) -> sa.Subquery:
    """Return every version of these days with its end. A version whose successor is not recorded, because the process
    was killed in between, is still the current one."""
    wanted = keys.subquery()
    is_earlier = sa.and_(
        _same(landed_versions, landed_files, *DAY_KEY), landed_versions.c.landed_at < landed_files.c.landed_at
    )
    every = sa.union_all(
        sa.select(
            *(landed_versions.c[name] for name in (*DAY_KEY, "landed_at", "rows")),
            landed_versions.c.landed_at.label("read_at"),
        ).join(wanted, _same(landed_versions, wanted, *DAY_KEY)).join(landed_files, is_earlier),
        sa.select(
            *(landed_files.c[name] for name in (*DAY_KEY, "landed_at", "rows")),
            read_time.label("read_at"),
        ).join(wanted, _same(landed_files, wanted, *DAY_KEY)),
    ).subquery()
    follows = sa.func.lead(every.c.landed_at).over(
        partition_by=[every.c[name] for name in DAY_KEY], order_by=every.c.landed_at
    )
    return sa.select(every, sa.type_coerce(follows, Utc()).label("replaced_at")).subquery()


def _same(left: sa.FromClause, right: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(left.c[name] == right.c[name] for name in names))


def mark_loaded(engine: sa.Engine, versions: Iterable[EarlierVersion], *, now: dt.datetime) -> None:
    """Record that these versions are in the warehouse."""
    names = (*DAY_KEY, "landed_at")
    statement = (
        landed_versions.update()
        .where(*(landed_versions.c[name] == sa.bindparam(f"_{name}") for name in names))
        .values(loaded_at=now)
    )
    rows = [{f"_{name}": getattr(version.file, name) for name in names} for version in versions]
    if rows:
        with engine.begin() as connection:
            connection.execute(statement, rows)


def remove(engine: sa.Engine, file: LandedFile) -> None:
    """Remove an earlier version of a day from the ledger."""
    here = day_is(landed_versions, file.report, file.node_id, file.day)
    with engine.begin() as connection:
        connection.execute(landed_versions.delete().where(here, landed_versions.c.landed_at == file.landed_at))
