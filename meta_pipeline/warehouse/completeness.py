"""Compare the rows in the warehouse with those that the ledger lists as loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import sqlalchemy as sa

from meta_pipeline.store.landed import load_queue
from meta_pipeline.warehouse.tables import TABLES, RawTable
from meta_pipeline.warehouse.temp_table import create_temp_table

MOST_NAMED = 20  # days that get a sentence each
_LOADED = {"report": "varchar", "node_id": "varchar", "day": "date", "rows": "bigint", "version_rows": "bigint"}


@dataclass(frozen=True, slots=True)
class DifferingDay:
    """A day that the ledger lists as loaded and whose rows in the warehouse differ. `stored`: its rows in the
    warehouse; `read`: its rows in the ledger. They are equal if only rows of an earlier version are missing."""

    key: load_queue.DayKey
    stored: int
    read: int

    @property
    def sentence(self) -> str:
        """Return a sentence with report, node, day and the difference."""
        report, node_id, day = self.key
        problem = f"had {self.stored} rows in the warehouse, {self.read} were read"
        if self.stored == self.read:
            problem = "lacked rows of an earlier version"
        return f"{report} of {node_id} on {day} {problem}: loaded again"


def repair_sentences(differing: Sequence[DifferingDay]) -> tuple[str, ...]:
    """Return a sentence for each of these days that was loaded again, and the number of those beyond MOST_NAMED."""
    sentences = [each.sentence for each in differing[:MOST_NAMED]]
    if len(differing) > MOST_NAMED:
        sentences.append(f"{len(differing) - MOST_NAMED:,} more days differed from the ledger: loaded again")
    return tuple(sentences)


def has_all_rows(connection: duckdb.DuckDBPyConnection, engine: sa.Engine, insights: Sequence[RawTable]) -> bool:
    """Return True when each table has as many rows as the ledger lists as loaded. DuckDB knows these numbers without
    reading a row; `differing_days` counts the rows of every day."""
    listed = load_queue.loaded_rows(engine)
    counts = [
        f"select '{table.name}', (select count(*) from {table.place}), "
        + (f"(select count(*) from {table.versions})" if table.has_versions else "null")
        for table in _existing(connection, insights)
    ]
    if not counts:
        return not listed
    stored = connection.execute(" union all ".join(counts)).fetchall()
    for name, rows, version_rows in stored:
        listed_rows, listed_version_rows = listed.get(name, (0, 0))
        if rows != listed_rows or version_rows not in (None, listed_version_rows):
            return False
    return True


def differing_days(
    connection: duckdb.DuckDBPyConnection, engine: sa.Engine, insights: Sequence[RawTable]
) -> list[DifferingDay]:
    """Return the days that the ledger lists as loaded and whose rows in the warehouse are too few or too many. Months
    are compared first: the days of those that differ are few."""
    tables = _existing(connection, insights)
    places = {table.name: table.place for table in tables}
    versions = {table.name: table.versions for table in tables if table.has_versions}
    with ThreadPoolExecutor(1) as pool:  # each takes half a second for two years of 50 accounts
        loaded = pool.submit(load_queue.loaded_months, engine)
        counted = [(by_report, _stored_months(connection, by_report)) for by_report in (places, versions)]
    differing: set[load_queue.MonthRows] = set()
    for listed, (by_report, stored) in zip(loaded.result(), counted, strict=True):
        differing |= {each for each in listed if each.report in by_report} ^ stored
    ranges: dict[tuple[str, str], list[dt.date]] = {}
    for each in differing:
        ranges.setdefault((each.report, each.node_id), []).extend(each.days)
    days = [
        day for (report, node_id), ends in ranges.items()
        for day in load_queue.loaded_days(engine, report=report, node_id=node_id, first=min(ends), last=max(ends))
    ]
    reports = {day[0] for day in days}
    create_temp_table(connection, "loaded", _LOADED, days)
    return [day for table in tables if table.name in reports for day in _differing_days_of(connection, table)]


def _stored_months(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str]) -> set[load_queue.MonthRows]:
    """Return the rows of these tables, by report, in each month."""
    months = " union all ".join(
        f"select '{report}', node_id, strftime(month, '%Y-%m'), rows, weighted_rows from ("
        "select node_id, date_trunc('month', day) as month, count(*) as rows, sum(day(day))::bigint as weighted_rows "
        f"from {table} group by all)"
        for report, table in tables.items()
    )
    return {load_queue.MonthRows(*row) for row in connection.execute(months).fetchall()} if months else set()


def _differing_days_of(connection: duckdb.DuckDBPyConnection, table: RawTable) -> list[DifferingDay]:
    """Compare the days of one report in the temporary table `loaded` with the rows in the warehouse."""
    def rows_by_day(place: str) -> str:
        return f"select node_id, day, count(*) as rows from {place} semi join these using (node_id, day) group by all"

    versions = rows_by_day(table.versions) if table.has_versions else "select null, null, 0"
    differing = connection.execute(
        "with these as (select * from loaded where report = ?), "
        f"stored(node_id, day, rows) as ({rows_by_day(table.place)}), versions(node_id, day, rows) as ({versions}) "
        "select these.node_id, these.day, coalesce(stored.rows, 0), these.rows "
        "from these left join stored on these.node_id = stored.node_id and these.day = stored.day "
        "left join versions on these.node_id = versions.node_id and these.day = versions.day "
        "where (these.rows > 0 and coalesce(stored.rows, 0) <> these.rows) "
        "or (? and coalesce(versions.rows, 0) < these.version_rows) order by all",
        [table.name, table.has_versions],
    ).fetchall()
    return [DifferingDay((table.name, *key), stored, read) for *key, stored, read in differing]


def _existing(connection: duckdb.DuckDBPyConnection, insights: Sequence[RawTable]) -> list[RawTable]:
    """Return the raw tables that the warehouse has."""
    names = set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())
    return [table for table in (*insights, *TABLES) if (table.schema, table.name) in names]
