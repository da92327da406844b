"""Temporary tables of a connection, made from Python's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from meta_pipeline.warehouse.tables import quoted

_TYPES = {
    pa.string(): "varchar", pa.date32(): "date", pa.int64(): "bigint", pa.timestamp("us", tz="UTC"): "timestamptz",
}
_FEW_ROWS = 1_000


def create_temp_table(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: Sequence[Sequence[Any]]
) -> None:
    """Create a temporary table of this connection with these rows."""
    if 0 < len(rows) <= _FEW_ROWS:
        _insert_few(connection, name, schema, rows)
        return
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)
    connection.register("incoming", table)
    connection.execute(f"create or replace temp table {name} as select * from incoming")
    connection.unregister("incoming")


def _insert_few(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: Sequence[Sequence[Any]]
) -> None:
    """Create the temporary table from parameters. Arrow, which is faster for many rows, imports pandas for a third of a
    second when it makes an array of Python's values."""
    columns = ", ".join(f"{quoted(field.name)} {_TYPES[field.type]}" for field in schema)
    values = ", ".join([f"({', '.join('?' * len(schema))})"] * len(rows))
    connection.execute(f"create or replace temp table {name} ({columns})")
    connection.execute(f"insert into {name} values {values}", [value for row in rows for value in row])
