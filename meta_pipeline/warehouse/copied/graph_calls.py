"""Calls to Graph by UTC day, copied from the audit, which deletes old calls."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import duckdb

from meta_pipeline.warehouse.file_state import read_state
from meta_pipeline.warehouse.tables import OWN_SCHEMA
from meta_pipeline.warehouse.transactions import transaction

_COLUMNS = ("day", "node_id", "report", "calls", "operations", "rows", "failed", "seconds", "longest_s")


def replace_calls(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """Replace the days that are in `rows`; days that the audit has deleted stay."""
    if not rows:
        return
    days = sorted({str(row["day"]) for row in rows})
    with transaction(connection, "the calls"):
        connection.execute(f"delete from {OWN_SCHEMA}.graph_calls where list_contains(?, day::varchar)", [days])
        connection.executemany(
            f"insert into {OWN_SCHEMA}.graph_calls ({', '.join(_COLUMNS)}) values ({', '.join('?' * len(_COLUMNS))})",
            [[row[name] for name in _COLUMNS] for row in rows],
        )


def calls_of_replaced(file: Path, *, identity: str | None) -> list[dict[str, Any]]:
    """Return the calls in a warehouse file that was set aside; none if it has another identity, is missing or is
    damaged."""
    if not file.exists():
        return []
    try:
        with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
            if read_state(connection).identity != identity:
                return []
            rows = connection.execute(f"select {', '.join(_COLUMNS)} from {OWN_SCHEMA}.graph_calls").fetchall()
    except duckdb.Error:
        return []
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
