"""The queue between landing and loading: files that have landed and are not in the warehouse yet."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed.ledger import DAY_KEY, file_of, read_time
from meta_pipeline.store.schema.landed import landed_files, landed_versions

DayKey = tuple[str, str, dt.date]

def waiting_files(engine: sa.Engine) -> list[LandedFile]:
    """Return the files that have landed and are not loaded yet."""
    query = sa.select(landed_files).where(landed_files.c.loaded_at.is_(None))
    with engine.connect() as connection:
        return [file_of(row) for row in connection.execute(query.order_by(*(landed_files.c[name] for name in DAY_KEY)))]


def waiting_read_times(engine: sa.Engine) -> list[dt.datetime]:
    """Return when the waiting files were read; `landed_at` of an unchanged day is older."""
    query = sa.select(read_time).where(landed_files.c.loaded_at.is_(None))
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def is_waiting(engine: sa.Engine, *, reports: Iterable[str], with_versions: Iterable[str]) -> bool:
    """Return True if a landed file of these reports, or an earlier version of those `with_versions`, is not loaded."""
    with engine.connect() as connection:
        return any(
            connection.execute(
                sa.select(table.c.day).where(table.c.loaded_at.is_(None), table.c.report.in_(list(names))).limit(1)
            ).first()
            for table, names in ((landed_files, reports), (landed_versions, with_versions))
        )


def mark_loaded(engine: sa.Engine, files: Iterable[LandedFile], *, now: dt.datetime) -> None:
    """Record that these files are in the warehouse. A file that landed again meanwhile keeps waiting: its digest
    differs."""
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


@dataclass(frozen=True, slots=True)
class MonthRows:
    """The rows of one report, node and month (`2026-11`): `rows` is their number; `weighted_rows` multiplies each row
    by its day of the month, so that two days whose differences cancel out in `rows` still differ in it."""

    report: str
    node_id: str
    month: str
    rows: int
    weighted_rows: int

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """Return the first and the last day of the month."""
        year, month = map(int, self.month.split("-"))
        return dt.date(year, month, 1), dt.date(year, month, calendar.monthrange(year, month)[1])


def loaded_months(engine: sa.Engine) -> tuple[list[MonthRows], list[MonthRows]]:
    """Return the rows that are listed as loaded, by month: those of days, and those of earlier versions."""
    def rows_by_month(table: sa.Table) -> sa.Select[Any]:
        day = sa.cast(table.c.day, sa.String)
        month, day_of_month = sa.func.substr(day, 1, 7).label("month"), sa.cast(sa.func.substr(day, 9, 2), sa.Integer)
        keys = (table.c.report, table.c.node_id, month)
        sums = (
            sa.func.sum(table.c.rows).label("rows"), sa.func.sum(table.c.rows * day_of_month).label("weighted_rows")
        )
        return sa.select(*keys, *sums).where(table.c.loaded_at.is_not(None), table.c.rows > 0).group_by(*keys)

    with engine.connect() as connection:
        days, versions = (
            [MonthRows(row.report, row.node_id, row.month, row.rows, row.weighted_rows)
             for row in connection.execute(rows_by_month(table))]
            for table in (landed_files, landed_versions)
        )
    return days, versions


def loaded_days(
    engine: sa.Engine, *, report: str, node_id: str, first: dt.date, last: dt.date
) -> list[tuple[str, str, dt.date, int, int]]:
    """Return the days of this range with rows that are listed as loaded: report, node id, day, its rows, and the rows
    of its earlier versions that are listed as loaded."""
    def rows_by_day(table: sa.Table) -> sa.Select[Any]:
        keys = [table.c[name] for name in DAY_KEY]
        return sa.select(*keys, sa.func.sum(table.c.rows).label("rows")).where(
            table.c.report == report, table.c.node_id == node_id, table.c.day.between(first, last),
            table.c.loaded_at.is_not(None), table.c.rows > 0,
        ).group_by(*keys)

    with engine.connect() as connection:
        days = {tuple(row[:3]): (int(row.rows), 0) for row in connection.execute(rows_by_day(landed_files))}
        for row in connection.execute(rows_by_day(landed_versions)):
            key = tuple(row[:3])
            days[key] = (days.get(key, (0, 0))[0], int(row.rows))
    return [(*key, *rows) for key, rows in days.items()]


def loaded_rows(engine: sa.Engine) -> dict[str, tuple[int, int]]:
    """Return the rows of each report that are listed as loaded: of its days, and of their earlier versions."""
    def rows_by_report(table: sa.Table) -> sa.Select[Any]:
        query = sa.select(table.c.report, sa.func.sum(table.c.rows).label("rows"))
        return query.where(table.c.loaded_at.is_not(None), table.c.rows > 0).group_by(table.c.report)

    with engine.connect() as connection:
        days, versions = (
            {row.report: int(row.rows) for row in connection.execute(rows_by_report(table))}
            for table in (landed_files, landed_versions)
        )
    return {report: (days.get(report, 0), versions.get(report, 0)) for report in days.keys() | versions.keys()}


def waiting_reports(engine: sa.Engine) -> set[str]:
    """Return the reports and listings of which a file or an earlier version has landed and is not loaded yet."""
    with engine.connect() as connection:
        return {
            str(row.report)
            for table in (landed_files, landed_versions)
            for row in connection.execute(
                sa.select(table.c.report).where(table.c.loaded_at.is_(None)).distinct()
            )
        }


def reset(engine: sa.Engine) -> None:
    """List every landed file and every earlier version as not loaded."""
    with engine.begin() as connection:
        for table in (landed_files, landed_versions):
            connection.execute(table.update().where(table.c.loaded_at.is_not(None)).values(loaded_at=None))


def reset_days(engine: sa.Engine, keys: Iterable[DayKey]) -> None:
    """List these days (report, node id, day) and their earlier versions as not loaded."""
    rows = [dict(zip(("_report", "_node_id", "_day"), key, strict=True)) for key in keys]
    if not rows:
        return
    with engine.begin() as connection:
        for table in (landed_files, landed_versions):
            here = (table.c[name] == sa.bindparam(f"_{name}") for name in DAY_KEY)
            connection.execute(table.update().where(*here).values(loaded_at=None), rows)
