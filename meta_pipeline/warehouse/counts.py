"""Count the rows of the warehouse's tables."""

from __future__ import annotations

import duckdb

_SCHEMAS = ("marts", "intermediate", "staging")


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of rows of each table that dbt has built, by name. DuckDB knows them without reading a row."""
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = current_database() and schema_name in (?, ?, ?)",
        _SCHEMAS,
    ).fetchall()
    counts = (f"select '{table}', count(*) from \"{schema}\".\"{table}\"" for schema, table in tables)
    return dict(connection.execute(" union all ".join(counts)).fetchall()) if tables else {}
