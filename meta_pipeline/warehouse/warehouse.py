"""The DuckDB file the pipeline writes: landed days become raw rows, whole or not at all. One writer at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from meta_pipeline.records import LoadError
from meta_pipeline.store import audit_log, ledger
from meta_pipeline.warehouse import histories
from meta_pipeline.warehouse.days import tell_days
from meta_pipeline.warehouse.raw import add_versions, ensure, replace_days, transaction
from meta_pipeline.warehouse.tables import OWN_DDL, OWN_SCHEMA, TABLES, RawTable


class Warehouse:
    """Nobody but the loader and dbt opens this file; readers have the published one. `insights`: the tables of the
    reports there are, beside those of the entities."""

    def __init__(self, file: Path, insights: Sequence[RawTable]) -> None:
        self.file = file
        self.insights = tuple(insights)

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
        names = [table.name for table in self.insights]
        # A report that left the catalogue keeps waiting until it is back.
        known = {*names, *(table.name for table in TABLES)}
        files = [file for file in ledger.waiting(engine) if file.report in known]
        versions = ledger.versions_waiting(engine, reports=names)
        with self.open() as connection:
            connection.execute(OWN_DDL)
            for table in (*self.insights, *TABLES):
                is_report = table in self.insights
                ensure(connection, table, has_versions=is_report)
                if mine := [file for file in files if file.report == table.name]:
                    replace_days(connection, table, mine, has_drift=is_report)
                if earlier := [one for one in versions if one.file.report == table.name]:
                    add_versions(connection, table, earlier)
            histories.load(connection, engine, files, now=now)
            tell_days(connection, engine, self.insights)
            _replace_calls(connection, audit_log.by_day(engine))
        ledger.mark_loaded(engine, files, now=now)
        ledger.mark_versions_loaded(engine, versions, now=now)
        return len(files)


def _replace_calls(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """What the calls to Graph cost, by day, as the audit has it; days the audit has forgotten stay."""
    names = ("day", "node_id", "report", "calls", "operations", "rows", "failed", "seconds", "longest_s")
    if not rows:
        return
    days = sorted({str(row["day"]) for row in rows})
    with transaction(connection, "the calls"):
        connection.execute(f"delete from {OWN_SCHEMA}.graph_calls where list_contains(?, day::varchar)", [days])
        connection.executemany(
            f"insert into {OWN_SCHEMA}.graph_calls ({', '.join(names)}) values ({', '.join('?' * len(names))})",
            [[row[name] for name in names] for row in rows],
        )
