"""The DuckDB file the pipeline writes: landed days become raw rows, whole or not at all. One writer at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from meta_pipeline.records import LandedFile, LoadError
from meta_pipeline.store import audit_log, ledger
from meta_pipeline.store.ledger import Version
from meta_pipeline.warehouse import histories
from meta_pipeline.warehouse.tables import CALLS_DDL, SCHEMA, TABLES, VERSIONED, VERSIONS, RawTable

_ENVELOPE = "_api_version, _fbtrace_id, _fetched_at, _run_id, _request"


class Warehouse:
    """Nobody but the loader and dbt opens this file; readers have the published one."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @contextlib.contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, for writing. A new file is one that an older DuckDB client can open."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect()
        try:
            target = str(self.file).replace("'", "''")
            connection.execute(f"attach '{target}' as warehouse (storage_version 'v1.5.0')")
            connection.execute("use warehouse")
            connection.execute("set timezone = 'UTC'")
        except duckdb.Error as error:
            connection.close()
            raise LoadError(
                f"can't open {self.file}: another process writes it, or it is no DuckDB file; "
                f"readers use the published warehouse ({str(error).splitlines()[0]})"
            ) from error
        try:
            yield connection
        finally:
            connection.close()

    def load(self, engine: sa.Engine, *, now: dt.datetime) -> int:
        """Load everything that landed and waits in the ledger; the number of files. Running it again loads nothing."""
        files = ledger.waiting(engine)
        with self.open() as connection:
            for table in TABLES:
                connection.execute(_ddl(table))
                mine = [file for file in files if file.report == table.name]
                if mine:
                    _replace(connection, table, mine)
            versions = ledger.versions_waiting(engine, report=VERSIONED.name)
            connection.execute(_ddl(VERSIONED, VERSIONS, ", _replaced_at timestamptz"))
            if versions:
                _add_versions(connection, versions)
            histories.load(connection, engine, files, now=now)
            _replace_calls(connection, audit_log.by_day(engine))
        ledger.mark_loaded(engine, files, now=now)
        ledger.mark_versions_loaded(engine, versions, now=now)
        return len(files)


def _ddl(table: RawTable, name: str | None = None, more: str = "") -> str:
    columns = "".join(f", {_quoted(column)} varchar" for column in table.columns)
    actions = "".join(f", {_quoted(column)} {_ACTIONS_TYPE}" for column in table.actions)
    return (
        f"create schema if not exists {SCHEMA}; "
        f"create table if not exists {SCHEMA}.{name or table.name} "
        f"(node_id varchar, day date, record_index integer{columns}{actions}, payload varchar, "
        "_api_version varchar, _fbtrace_id varchar, _fetched_at timestamptz, "
        f"_run_id varchar, _request varchar{more})"
    )


def _replace_calls(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """What the calls to Graph cost, by day, as the audit has it; days the audit has forgotten stay."""
    connection.execute(CALLS_DDL)
    connection.execute("begin")
    names = ("day", "node_id", "report", "calls", "operations", "rows", "failed", "seconds", "longest_s")
    if rows:
        days = sorted({str(row["day"]) for row in rows})
        connection.execute("delete from raw_meta_pipeline.graph_calls where list_contains(?, day::varchar)", [days])
        connection.executemany(
            f"insert into raw_meta_pipeline.graph_calls ({', '.join(names)}) values ({', '.join('?' * len(names))})",
            [[row[name] for name in names] for row in rows],
        )
    connection.execute("commit")


_ACTIONS_TYPE = (
    'struct(action_type varchar, "value" varchar, "1d_view" varchar, "1d_click" varchar, "7d_click" varchar, '
    '"28d_click" varchar)[]'
)


def _replace(connection: duckdb.DuckDBPyConnection, table: RawTable, files: list[LandedFile]) -> None:
    """The changed days of one table, in one transaction. The keys come from the ledger, not from the rows: a day that
    became empty must go too."""
    missing = [file.path for file in files if not Path(file.path).exists()]
    if missing:
        raise LoadError(f"{missing[0]} is in the ledger but not on disk: read that day again with backfill --fresh")
    columns = [*table.columns, *table.actions]
    names = ", ".join(_quoted(column) for column in columns)
    parsed = ", ".join(f"record.{_quoted(column)}" for column in columns)
    connection.execute("begin")
    try:
        connection.execute("create or replace temp table changed (node_id varchar, day date)")
        connection.executemany("insert into changed values (?, ?)", [[file.node_id, file.day] for file in files])
        connection.execute(
            f"delete from {SCHEMA}.{table.name} as kept using changed "
            "where kept.node_id = changed.node_id and kept.day = changed.day"
        )
        connection.execute(
            f"insert into {SCHEMA}.{table.name} (node_id, day, record_index, {names}, payload, {_ENVELOPE}) "
            f"select node_id, day, record_index, {parsed}, payload, {_ENVELOPE} from ("
            f"select *, from_json(payload, ?) as record from read_parquet(?, hive_partitioning = false))",
            [table.structure, [file.path for file in files]],
        )
        expected = sum(file.rows for file in files)
        loaded = connection.execute(
            f"select count(*) from {SCHEMA}.{table.name} as kept semi join changed using (node_id, day)"
        ).fetchone()
        if loaded is None or loaded[0] != expected:
            raise LoadError(f"{table.name}: {expected} rows landed and {loaded} loaded; nothing was changed")
        connection.execute("commit")
    except duckdb.Error as error:
        connection.execute("rollback")
        raise LoadError(f"could not load {table.name}: {str(error).splitlines()[0]}") from error
    except LoadError:
        connection.execute("rollback")
        raise


def _add_versions(connection: duckdb.DuckDBPyConnection, versions: list[Version]) -> None:
    """Earlier versions of days, each with the moment in which it was replaced. Adding them again changes nothing."""
    columns = [*VERSIONED.columns, *VERSIONED.actions]
    names = ", ".join(_quoted(column) for column in columns)
    parsed = ", ".join(f"record.{_quoted(column)}" for column in columns)
    connection.execute("begin")
    try:
        connection.execute(
            "create or replace temp table added (path varchar, node_id varchar, day date, replaced_at timestamptz)"
        )
        connection.executemany(
            "insert into added values (?, ?, ?, ?)",
            [[one.file.path, one.file.node_id, one.file.day, one.replaced_at] for one in versions],
        )
        connection.execute(
            f"delete from {SCHEMA}.{VERSIONS} as kept using added where kept.node_id = added.node_id "
            "and kept.day = added.day and kept._replaced_at = added.replaced_at"
        )
        connection.execute(
            f"insert into {SCHEMA}.{VERSIONS} "
            f"(node_id, day, record_index, {names}, payload, {_ENVELOPE}, _replaced_at) "
            f"select node_id, day, record_index, {parsed}, payload, {_ENVELOPE}, replaced_at from ("
            "select landed.*, from_json(landed.payload, ?) as record, added.replaced_at "
            "from read_parquet(?, filename = true, hive_partitioning = false) as landed "
            "join added on added.path = landed.filename)",
            [VERSIONED.structure, [one.file.path for one in versions]],
        )
        connection.execute("commit")
    except duckdb.Error as error:
        connection.execute("rollback")
        raise LoadError(f"could not load earlier versions: {str(error).splitlines()[0]}") from error


def _quoted(name: str) -> str:
    return f'"{name}"'
