"""Compare the rows in the warehouse with those that the ledger lists as loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.store.landed import load_queue
from meta_pipeline.warehouse.tables import TABLES, RawTable
from meta_pipeline.warehouse.temp_table import create_temp_table

MOST_NAMED = 20  # days of which somebody reads a sentence each
_LOADED = pa.schema(
    [
        ("report", pa.string()), ("node_id", pa.string()), ("day", pa.date32()), ("rows", pa.int64()),
        ("version_rows", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class DifferingDay:
    """A day that the ledger lists as loaded and that has other rows in the warehouse. `stored` and `read`: how many
    rows of the day; they are the same when rows of an earlier version are missing."""

    key: load_queue.DayKey
    stored: int
    read: int

    @property
    def sentence(self) -> str:
        """Return report, node, day and what was wrong."""
        report, node_id, day = self.key
        what = f"had {self.stored} rows in the warehouse, {self.read} were read"
        if self.stored == self.read:
            what = "lacked rows of an earlier version"
        return f"{report} of {node_id} on {day} {what}: loaded again"


def repair_sentences(differing: Sequence[DifferingDay]) -> tuple[str, ...]:
    """Return a sentence for each of these days that was loaded again, and the number of those beyond MOST_NAMED."""
    sentences = [each.sentence for each in differing[:MOST_NAMED]]
    if len(differing) > MOST_NAMED:
        sentences.append(f"{len(differing) - MOST_NAMED:,} more days had other rows than were read: loaded again")
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
    """Return the days that the ledger lists as loaded and whose rows in the warehouse are too few or too many."""
    create_temp_table(connection, "loaded", _LOADED, load_queue.loaded_days(engine))
    days: list[DifferingDay] = []
    for table in _existing(connection, insights):
        version_rows = f"select node_id, day, count(*) from {table.versions} group by all"
        counts = (
            f"(select node_id, day, count(*) from {table.place} group by all) as stored(node_id, day, rows)",
            f"({version_rows if table.has_versions else 'select null, null, 0'}) as versions(node_id, day, rows)",
        )
        differing = connection.execute(
            "select report, loaded.node_id, loaded.day, coalesce(stored.rows, 0), loaded.rows "
            f"from loaded left join {counts[0]} "
            "on loaded.node_id = stored.node_id and loaded.day = stored.day "
            f"left join {counts[1]} on loaded.node_id = versions.node_id and loaded.day = versions.day "
            "where report = ? and ((loaded.rows > 0 and coalesce(stored.rows, 0) <> loaded.rows) "
            "or (? and coalesce(versions.rows, 0) < loaded.version_rows)) order by all",
            [table.name, table.has_versions],
        ).fetchall()
        days += (DifferingDay((report, node_id, day), stored, read) for report, node_id, day, stored, read in differing)
    return days


def _existing(connection: duckdb.DuckDBPyConnection, insights: Sequence[RawTable]) -> list[RawTable]:
    """Return the raw tables that the warehouse has."""
    names = set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())
    return [table for table in (*insights, *TABLES) if (table.schema, table.name) in names]
