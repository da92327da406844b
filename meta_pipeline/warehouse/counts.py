"""Count the rows of the warehouse's tables."""

from __future__ import annotations

from pathlib import Path

import duckdb

_SCHEMAS = ("marts", "intermediate", "staging")


def row_counts(file: Path) -> dict[str, int]:
    """Return the number of rows of each table that dbt has built, by name; nothing if the file can't be read now."""
    try:
        with duckdb.connect(str(file), read_only=True) as warehouse:
            tables = warehouse.execute(
                "select schema_name, table_name from duckdb_tables() where schema_name in (?, ?, ?)", _SCHEMAS
            ).fetchall()
            return {
                table: warehouse.execute(f'select count(*) from "{schema}"."{table}"').fetchall()[0][0]
                for schema, table in tables
            }
    except duckdb.Error:
        return {}
