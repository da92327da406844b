"""Delete expired days from the raw tables, and log them as changed, so that the next build removes them from the
marts."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping

import duckdb
import sqlalchemy as sa

from meta_pipeline.records import SNAPSHOT_DAY
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.file_state import FileState, read_state, write_state
from meta_pipeline.warehouse.tables import OWN_SCHEMA
from meta_pipeline.warehouse.temp_table import create_temp_table
from meta_pipeline.warehouse.transactions import transaction
from meta_pipeline.warehouse.warehouse import Warehouse

_FIRST_DAYS = {"node_id": "varchar", "first_day": "date"}
_EXPIRED = "stored.node_id = kept.node_id and stored.day < kept.first_day and stored.day <> ?"


def expire(warehouse: Warehouse, engine: sa.Engine, first_days: Mapping[str, dt.date], *, now: dt.datetime) -> int:
    """Delete each node's rows of days before its first day; return their number. If there were any, the file gets a new
    load id, so that a build follows. Without a file, do nothing."""
    if not first_days or not warehouse.file.exists():
        return 0
    stored = warehouse_state.find(engine)
    with warehouse.open() as connection:
        file = read_state(connection)
        create_temp_table(connection, "kept_days", _FIRST_DAYS, list(first_days.items()))
        tables = _tables_of_days(connection)
        if not file.identity or not any(_count(connection, table) for table in tables):
            return 0
        load_id, number = secrets.token_hex(16), max(file.loads, stored.loads) + 1
        warehouse_state.start_load(engine, load_id=load_id)
        log = ChangeLog(connection, number)
        with transaction(connection, "the expired days"):
            rows = sum(_delete(connection, table, log) for table in tables)
        write_state(connection, FileState(file.identity, number, load_id), now=now)
    warehouse_state.finish_load(
        engine, identity=file.identity, loads=number, load_id=load_id, read_until=stored.read_until
    )
    return rows


def _tables_of_days(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return schema and name of the raw tables whose rows have a node and a day."""
    rows = connection.execute(
        "select table_schema, table_name from information_schema.columns "
        "where table_catalog = 'warehouse' and table_schema like 'raw\\_%' escape '\\' "
        "and column_name in ('node_id', 'day') group by all having count(*) = 2 order by all"
    ).fetchall()
    not_raw_data = {(OWN_SCHEMA, "changes"), (OWN_SCHEMA, "graph_calls")}
    return [place for place in rows if place not in not_raw_data]


def _count(connection: duckdb.DuckDBPyConnection, table: tuple[str, str]) -> int:
    schema, name = table
    ((rows,),) = connection.execute(
        f'select count(*) from {schema}."{name}" as stored, kept_days as kept where {_EXPIRED}', [SNAPSHOT_DAY]
    ).fetchall()
    return int(rows)


def _delete(connection: duckdb.DuckDBPyConnection, table: tuple[str, str], log: ChangeLog) -> int:
    schema, name = table
    rows = _count(connection, table)
    if rows:
        connection.execute(
            "create or replace temp table expired_days as select distinct stored.node_id, stored.day "
            f'from {schema}."{name}" as stored, kept_days as kept where {_EXPIRED}', [SNAPSHOT_DAY]
        )
        log.record(name, "select node_id, day from expired_days")
        connection.execute(
            f'delete from {schema}."{name}" as stored using kept_days as kept where {_EXPIRED}', [SNAPSHOT_DAY]
        )
    return rows
