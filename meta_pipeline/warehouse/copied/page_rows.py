"""Replace the rows of a table whose rows belong to Pages, and log the Pages whose rows differ."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.temp_table import create_temp_table


def replace_page_rows(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, types: dict[str, str],
    rows: Sequence[tuple[object, ...]], *, log: ChangeLog,
) -> None:
    """Replace a table, inside a transaction, and log the Pages (`page_id`) whose rows differ. `types`: DuckDB's, by
    column."""
    create_temp_table(connection, "current_rows", types, rows)
    place = f"{schema}.{table}"
    changed = connection.execute(
        f"select distinct page_id from ((from current_rows except from {place}) union (from {place} except from "
        "current_rows))"
    ).fetchall()
    if changed:
        log.record_nodes(table, [page_id for (page_id,) in changed])
        connection.execute(f"delete from {place}")
        connection.execute(f"insert into {place} from current_rows")
