"""Temporary tables of a connection, made from Python's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from meta_pipeline.warehouse.tables import quoted


def create_temp_table(
    connection: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> None:
    """Create a temporary table of this connection with these rows. `types`: DuckDB's, by column.

    Each column is one parameter, a list. Making an Arrow table from Python's values would import pandas, which takes a
    third of a second."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(types)
    values = ", ".join(f"unnest(cast(? as {kind}[])) as {quoted(column)}" for column, kind in types.items())
    connection.execute(f"create or replace temp table {name} as select {values}", columns)
