"""The record in the warehouse file of which file it is and which load it holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

from meta_pipeline.warehouse.tables import OWN_SCHEMA, SCHEMA
from meta_pipeline.warehouse.transactions import transaction


@dataclass(frozen=True, slots=True)
class FileState:
    """The identity and the load id that the warehouse file holds; None in a file without a load."""

    identity: str | None = None
    loads: int = 0
    load_id: str | None = None


def read_state(connection: duckdb.DuckDBPyConnection) -> FileState:
    """Return the state that the file records."""
    query = "select 1 from information_schema.tables where table_schema = ? and table_name = 'warehouse_state'"
    if not connection.execute(query, [OWN_SCHEMA]).fetchall():
        return FileState()
    rows = connection.execute(f"select identity, loads, load_id from {OWN_SCHEMA}.warehouse_state").fetchall()
    return FileState(*rows[0]) if rows else FileState()


def write_state(connection: duckdb.DuckDBPyConnection, state: FileState, *, now: dt.datetime) -> None:
    """Record a load in the file."""
    with transaction(connection, "the state of the warehouse"):
        connection.execute(f"delete from {OWN_SCHEMA}.warehouse_state")
        connection.execute(
            f"insert into {OWN_SCHEMA}.warehouse_state values (?, ?, ?, ?)",
            [state.identity, state.loads, state.load_id, now],
        )


def has_raw_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return True if anything was ever loaded into the file."""
    query = "select 1 from information_schema.tables where table_schema in (?, ?) limit 1"
    return bool(connection.execute(query, [SCHEMA, OWN_SCHEMA]).fetchall())
