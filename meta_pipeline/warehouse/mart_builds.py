"""The record in the warehouse file of the last build of all its marts, and of the changes since."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb

from meta_pipeline.warehouse.tables import OWN_DDL, OWN_SCHEMA
from meta_pipeline.warehouse.transactions import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class MartState:
    """The last build of all marts. `loads`: the number of the load that the file holds; `built_to`: the number of the
    load that the marts were built from, None if they never were; `digest`: of everything else that decided their
    content; `built_on`: the day of that build; `changed`: the raw tables that later loads have changed; `untested`:
    those that changed after the daily tests."""

    loads: int = 0
    built_to: int | None = None
    digest: str | None = None
    built_on: dt.date | None = None
    changed: frozenset[str] = frozenset()
    untested: frozenset[str] = frozenset()


def read_mart_state(connection: duckdb.DuckDBPyConnection) -> MartState:
    """Return the state that the file records."""
    connection.execute(OWN_DDL)
    return _recorded(connection)


def peek_mart_state(file: Path) -> MartState | None:
    """Return the state that a file records, without writing; None if the file does not exist or can't be read."""
    if not file.exists():
        return None
    try:
        with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
            return _recorded(connection)
    except duckdb.Error:  # another process writes it, or it is older than the tables: the build reports which
        return None


def _recorded(connection: duckdb.DuckDBPyConnection) -> MartState:
    loads = connection.execute(f"select coalesce(max(loads), 0) from {OWN_SCHEMA}.warehouse_state").fetchall()[0][0]
    rows = connection.execute(f"select built_to, digest, built_on, pending from {OWN_SCHEMA}.mart_builds").fetchall()
    built_to, digest, built_on, pending = rows[0] if rows else (None, None, None, None)
    logged = connection.execute(
        f"select distinct report from {OWN_SCHEMA}.changes where load_number > ?", [built_to or 0]
    ).fetchall()
    untested = connection.execute(f"select report from {OWN_SCHEMA}.untested_reports").fetchall()
    return MartState(
        loads=loads, built_to=built_to, digest=digest, built_on=built_on,
        changed=frozenset([*(name for (name,) in logged), *(pending or ())]),
        untested=frozenset(name for (name,) in untested),
    )


def start_mart_build(connection: duckdb.DuckDBPyConnection, changed: Collection[str]) -> None:
    """Record the changed raw tables that a build covers, before it begins. dbt removes changes from the log once its
    stored models contain them, even if a test of another model fails afterwards."""
    connection.execute(f"update {OWN_SCHEMA}.mart_builds set pending = ?", [sorted(changed)])


def finish_mart_build(
    connection: duckdb.DuckDBPyConnection, *, loads: int, digest: str, on: dt.date, untested: Collection[str] = ()
) -> None:
    """Record that every mart was built and tested, from this load; `untested`: raw tables that changed after the daily
    tests. A killed or failed build records nothing: the next one runs the same dbt nodes again."""
    with transaction(connection, "the record of the build"):
        connection.execute(f"delete from {OWN_SCHEMA}.mart_builds")
        connection.execute(f"insert into {OWN_SCHEMA}.mart_builds values (?, ?, ?, null)", [loads, digest, on])
        connection.execute(f"delete from {OWN_SCHEMA}.untested_reports")
        connection.execute(f"insert into {OWN_SCHEMA}.untested_reports select unnest(?::varchar[])", [sorted(untested)])
