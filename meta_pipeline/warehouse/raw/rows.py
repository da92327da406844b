"""Raw rows: replace the days that changed, and add their earlier versions to a second table."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Sequence

import duckdb

from meta_pipeline.files import reading
from meta_pipeline.records import LandedFile, LoadError
from meta_pipeline.store.landed.day_versions import EarlierVersion
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.raw.drift import count_drift
from meta_pipeline.warehouse.raw.landed_rows import days_in, one_in, versions_in
from meta_pipeline.warehouse.raw.requests import add_requests, remove_unused_requests
from meta_pipeline.warehouse.tables import ENVELOPE, RawTable, quoted
from meta_pipeline.warehouse.temp_table import create_temp_table
from meta_pipeline.warehouse.transactions import transaction

_CHANGED = {"path": "varchar", "node_id": "varchar", "day": "date"}
_VERSION_COLUMNS = {"_landed_at": "timestamptz", "_replaced_at": "timestamptz"}
_ADDED = {**_CHANGED, "landed_at": "timestamptz", "replaced_at": "timestamptz"}


def ensure_table(connection: duckdb.DuckDBPyConnection, table: RawTable, *, log: ChangeLog) -> None:
    """Create the table and the one of earlier versions, or add missing columns and log all days."""
    with transaction(connection, f"the columns of {table.name}"):
        if _ensure(connection, table, table.place, {}):
            log.record(table.name, f"select distinct node_id, day from {table.place}")
        if table.has_versions and _ensure(connection, table, table.versions, _VERSION_COLUMNS):
            log.record(table.versions_name, f"select distinct node_id, day from {table.versions}")


def _ensure(connection: duckdb.DuckDBPyConnection, table: RawTable, place: str, more: dict[str, str]) -> bool:
    """Create or alter the table; return True if existing rows got values in new columns."""
    columns = "".join(f", {quoted(column)} {kind}" for column, kind in table.types.items())
    own = "".join(f", {column} {kind}" for column, kind in more.items())
    connection.execute(
        f"create schema if not exists {table.schema}; create table if not exists {place} "
        f"(node_id varchar, day date, record_index integer{columns}, payload varchar, _api_version varchar, "
        f"_fbtrace_id varchar, _fetched_at timestamptz, _run_id varchar, _request varchar{own})"
    )
    existing = _types(connection, f"select * from {place}")
    for column, kind in more.items():
        if column not in existing:
            connection.execute(f"alter table {place} add column if not exists {column} {kind}")
    casts = ", ".join(f"cast(null as {kind}) as {quoted(column)}" for column, kind in table.types.items())
    wanted = _types(connection, f"select {casts}")
    if added := [column for column, kind in wanted.items() if existing.get(column) != kind]:
        _add_columns(connection, table, place, added, replaced=[column for column in added if column in existing])
    return bool(added)


def _types(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}


def _add_columns(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    place: str,
    added: Sequence[str],
    *,
    replaced: Sequence[str],
) -> None:
    """Add columns to the table of an older warehouse, or of a report that now requests more fields, and fill them from
    the payload, which has the fields that were requested at the time."""
    parsed = ", ".join(f"record.{quoted(column)}" for column in added)
    unchanged = f"* exclude ({', '.join(['record', *map(quoted, replaced)])})"
    connection.execute(
        f"create or replace table {place} as select {unchanged}, {parsed} "
        f"from (select *, from_json(payload, ?) as record from {place})",
        [table.structure],
    )


def replace_days(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    files: Sequence[LandedFile],
    *,
    log: ChangeLog,
    has_drift: bool,
) -> None:
    """Replace the changed days of one table and log them, in one transaction. The keys come from the ledger, not from
    the rows: a day that became empty must be deleted too."""
    names = ", ".join(map(quoted, table.types))
    parsed = ", ".join(f"record.{quoted(column)}" for column in table.types)
    landed = days_in(files)
    with transaction(connection, table.name):
        create_temp_table(connection, "changed", _CHANGED, [(file.path, file.node_id, file.day) for file in files])
        remove_unused_requests(connection, table, load_number=log.load_number)
        connection.execute(
            f"delete from {table.place} as stored using changed "
            "where stored.node_id = changed.node_id and stored.day = changed.day"
        )
        connection.execute(
            f"insert into {table.place} (node_id, day, record_index, {names}, payload, {ENVELOPE}) "
            f"select node_id, day, record_index, {parsed}, payload, {ENVELOPE} from ("
            f"select *, from_json(payload, ?) as record from {landed.sql})",
            [table.structure, *landed.parameters],
        )
        expected = sum(file.rows for file in files)
        ((loaded,),) = connection.execute(
            f"select count(*) from {table.place} as stored semi join changed using (node_id, day)"
        ).fetchall()
        if loaded != expected:
            raise LoadError(f"{table.name}: {expected} rows landed and {loaded} loaded; nothing was changed")
        add_requests(connection, table)
        log.record(table.name, "select node_id, day from changed")
        if has_drift:
            count_drift(connection, table, landed)


def load_error_of(table: RawTable, file: LandedFile, *, is_version: bool) -> Exception | None:
    """Return the error that loading this landed file raises, None if it can be loaded. The whole file is read and
    parsed, on a separate connection: the warehouse's may have failed for another reason."""
    if not reading.exists(file.path):
        return FileNotFoundError(errno.ENOENT, "it is in the ledger but not on disk", file.path)
    landed = one_in(file, is_version=is_version)
    try:
        reading.check_readable(file.path)  # if the operating system refuses, this error has an errno
        with contextlib.closing(duckdb.connect()) as connection:
            connection.execute(
                f"create temp table probed as select *, from_json(payload, ?) as record from {landed.sql}",
                [table.structure, *landed.parameters],
            )
            ((rows,),) = connection.execute("select count(*) from probed").fetchall()
    except (OSError, duckdb.Error) as error:
        return error
    return None if rows == file.rows else ValueError(f"it has {rows} rows, the ledger {file.rows}")


def add_versions(
    connection: duckdb.DuckDBPyConnection, table: RawTable, versions: Sequence[EarlierVersion], *, log: ChangeLog
) -> None:
    """Add earlier versions of days, each with the times from which and until which it was current. Adding them again
    changes nothing."""
    names = ", ".join(map(quoted, table.types))
    parsed = ", ".join(f"record.{quoted(column)}" for column in table.types)
    landed = versions_in(version.file for version in versions)
    with transaction(connection, f"earlier versions of {table.name}"):
        create_temp_table(
            connection, "added", _ADDED,
            [
                (version.file.path, version.file.node_id, version.file.day, version.file.landed_at, version.replaced_at)
                for version in versions
            ],
        )
        connection.execute(
            f"delete from {table.versions} as stored using added where stored.node_id = added.node_id "
            "and stored.day = added.day and stored._landed_at = added.landed_at"
        )
        connection.execute(
            f"insert into {table.versions} "
            f"(node_id, day, record_index, {names}, payload, {ENVELOPE}, _landed_at, _replaced_at) "
            f"select node_id, day, record_index, {parsed}, payload, {ENVELOPE}, landed_at, replaced_at from ("
            f"select *, from_json(payload, ?) as record from {landed.sql})",
            [table.structure, *landed.parameters],
        )
        log.record(table.versions_name, "select node_id, day from added")
