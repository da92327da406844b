"""Compare the rows in the warehouse with those that the ledger lists as loaded."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.store.landed import load_queue
from meta_pipeline.warehouse.raw import create_temp_table
from meta_pipeline.warehouse.tables import TABLES, RawTable

_LOADED = pa.schema(
    [
        ("report", pa.string()), ("node_id", pa.string()), ("day", pa.date32()), ("rows", pa.int64()),
        ("version_rows", pa.int64()),
    ]
)


def missing_days(
    connection: duckdb.DuckDBPyConnection, engine: sa.Engine, insights: Sequence[RawTable]
) -> list[load_queue.DayKey]:
    """Return the days that the ledger lists as loaded and whose rows are not all in the warehouse."""
    create_temp_table(connection, "loaded", _LOADED, load_queue.loaded_days(engine))
    existing = set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())
    days: list[load_queue.DayKey] = []
    for table in (*insights, *TABLES):
        if (table.schema, table.name) not in existing:
            continue
        version_rows = f"select node_id, day, count(*) from {table.versions} group by all"
        counts = (
            f"(select node_id, day, count(*) from {table.place} group by all) as stored(node_id, day, rows)",
            f"({version_rows if table.has_versions else 'select null, null, 0'}) as versions(node_id, day, rows)",
        )
        days += connection.execute(
            f"select report, loaded.node_id, loaded.day from loaded left join {counts[0]} "
            "on loaded.node_id = stored.node_id and loaded.day = stored.day "
            f"left join {counts[1]} on loaded.node_id = versions.node_id and loaded.day = versions.day "
            "where report = ? and ((loaded.rows > 0 and coalesce(stored.rows, 0) <> loaded.rows) "
            "or (? and coalesce(versions.rows, 0) < loaded.version_rows)) order by all",
            [table.name, table.has_versions],
        ).fetchall()
    return days
