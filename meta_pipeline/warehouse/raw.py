"""Raw rows: the days that changed take the place of what was there, their earlier versions stay beside them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from meta_pipeline.files import damaged, reading
from meta_pipeline.records import LandedFile, LoadError
from meta_pipeline.store.day_versions import EarlierVersion
from meta_pipeline.warehouse.drift import count_drift
from meta_pipeline.warehouse.tables import SCHEMA, RawTable, quoted

_ENVELOPE = "_api_version, _fbtrace_id, _fetched_at, _run_id, _request"
_CHANGED = pa.schema([("path", pa.string()), ("node_id", pa.string()), ("day", pa.date32())])
_OF_A_VERSION = {"_landed_at": "timestamptz", "_replaced_at": "timestamptz"}
_MOMENT = pa.timestamp("us", tz="UTC")
_ADDED = pa.schema([*_CHANGED, ("landed_at", _MOMENT), ("replaced_at", _MOMENT)])


def ensure(connection: duckdb.DuckDBPyConnection, table: RawTable, *, has_versions: bool) -> None:
    """The table is there with all its columns, and the one of earlier versions."""
    _ensure(connection, table, table.place, {})
    if has_versions:
        _ensure(connection, table, table.versions, _OF_A_VERSION)


def _ensure(connection: duckdb.DuckDBPyConnection, table: RawTable, place: str, more: dict[str, str]) -> None:
    columns = "".join(f", {quoted(column)} {kind}" for column, kind in table.types.items())
    own = "".join(f", {column} {kind}" for column, kind in more.items())
    connection.execute(
        f"create schema if not exists {SCHEMA}; create table if not exists {place} "
        f"(node_id varchar, day date, record_index integer{columns}, payload varchar, _api_version varchar, "
        f"_fbtrace_id varchar, _fetched_at timestamptz, _run_id varchar, _request varchar{own})"
    )
    there = _types(connection, f"select * from {place}")
    for column, kind in more.items():
        if column not in there:
            connection.execute(f"alter table {place} add column if not exists {column} {kind}")
    casts = ", ".join(f"cast(null as {kind}) as {quoted(column)}" for column, kind in table.types.items())
    wanted = _types(connection, f"select {casts}")
    if gained := [column for column, kind in wanted.items() if there.get(column) != kind]:
        _gain(connection, table, place, gained, [column for column in gained if column in there])


def _types(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}


def _gain(
    connection: duckdb.DuckDBPyConnection, table: RawTable, place: str, gained: Sequence[str], other: Sequence[str]
) -> None:
    """The table of an older warehouse, or of a report that asks for more than it did, gains columns; they are filled
    from the payload, which has what was asked for then. In one statement: a kill leaves the table as it was."""
    parsed = ", ".join(f"record.{quoted(column)}" for column in gained)
    kept = f"* exclude ({', '.join(['record', *map(quoted, other)])})"
    connection.execute(
        f"create or replace table {place} as select {kept}, {parsed} "
        f"from (select *, from_json(payload, ?) as record from {place})",
        [table.structure],
    )


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection, what: str) -> Iterator[None]:
    """All of it or nothing; LoadError says what it was that could not be loaded."""
    connection.execute("begin")
    try:
        yield
        connection.execute("commit")
    except duckdb.Error as error:
        _roll_back(connection)
        raise LoadError(f"could not load {what}: {because(error)}") from error
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Roll back. DuckDB has done so itself after some errors (a full disk), and refuses: the first error is the one to
    report."""
    with contextlib.suppress(duckdb.Error):
        connection.execute("rollback")


_FULL = ("no space left", "disk is full", "max_temp_directory_size")
_REFUSED = (*_FULL, "input/output error", "permission denied", "too many open files", "read-only file system")
_DAMAGED = ("corrupt", "checksum", "could not read enough bytes", "not a valid duckdb database", "serialization error")


def because(error: Exception) -> str:
    """Return the cause of a DuckDB error and what to do about it, on one line."""
    cause = str(error).splitlines()[0] if str(error) else type(error).__name__
    if _says(error, _FULL):
        return f"{cause}; free space, then run it again"
    if _says(error, _REFUSED):
        return f"{cause}; check the disk and the permissions, then run it again"
    if _says(error, _DAMAGED) or isinstance(error, duckdb.InternalException):
        return f"{cause}; if the warehouse file is damaged, `meta-pipeline build --reload` makes it anew"
    return cause


def is_file_damage(error: Exception) -> bool:
    """Return True for an error about the content of the file that was read, False for one of the machine."""
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException | duckdb.InterruptException):
        return False
    return damaged.is_damage(error) and not _says(error, _REFUSED)


def _says(error: Exception, words: Sequence[str]) -> bool:
    return any(word in str(error).lower() for word in words)


def keep(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> None:
    """The rows are a temporary table of this connection."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)
    connection.register("incoming", table)
    connection.execute(f"create or replace temp table {name} as select * from incoming")
    connection.unregister("incoming")


def replace_days(
    connection: duckdb.DuckDBPyConnection, table: RawTable, files: Sequence[LandedFile], *, has_drift: bool
) -> None:
    """The changed days of one table, in one transaction. The keys come from the ledger, not from the rows: a day that
    became empty must go too."""
    names = ", ".join(map(quoted, table.types))
    parsed = ", ".join(f"record.{quoted(column)}" for column in table.types)
    with transaction(connection, table.name):
        keep(connection, "changed", _CHANGED, [(file.path, file.node_id, file.day) for file in files])
        connection.execute(
            f"delete from {table.place} as kept using changed "
            "where kept.node_id = changed.node_id and kept.day = changed.day"
        )
        connection.execute(
            f"insert into {table.place} (node_id, day, record_index, {names}, payload, {_ENVELOPE}) "
            f"select node_id, day, record_index, {parsed}, payload, {_ENVELOPE} from ("
            "select *, from_json(payload, ?) as record from read_parquet(?, hive_partitioning = false))",
            [table.structure, [reading.duckdb_location(file.path) for file in files]],
        )
        expected = sum(file.rows for file in files)
        loaded = connection.execute(
            f"select count(*) from {table.place} as kept semi join changed using (node_id, day)"
        ).fetchone()
        if loaded is None or loaded[0] != expected:
            raise LoadError(f"{table.name}: {expected} rows landed and {loaded} loaded; nothing was changed")
        if has_drift:
            count_drift(connection, table, [reading.duckdb_location(file.path) for file in files])


def trouble_with(table: RawTable, file: LandedFile) -> Exception | None:
    """Return why this landed file can't be loaded, None if it can; the whole file is read and parsed. Nothing but the
    file decides: the warehouse's own connection may have failed for another reason."""
    if not reading.exists(file.path):
        return FileNotFoundError(errno.ENOENT, "it is in the ledger but not on disk", file.path)
    try:
        reading.check_readable(file.path)  # what the operating system refuses has an errno here
        with contextlib.closing(duckdb.connect()) as connection:
            connection.execute(
                "create temp table probed as select *, from_json(payload, ?) as record "
                "from read_parquet(?, hive_partitioning = false)",
                [table.structure, [reading.duckdb_location(file.path)]],
            )
            ((rows,),) = connection.execute("select count(*) from probed").fetchall()
    except (OSError, duckdb.Error) as error:
        return error
    return None if rows == file.rows else ValueError(f"it has {rows} rows, the ledger {file.rows}")


def add_versions(connection: duckdb.DuckDBPyConnection, table: RawTable, versions: Sequence[EarlierVersion]) -> None:
    """Earlier versions of days, each with the moments from which and until which it was so. Adding them again changes
    nothing."""
    names = ", ".join(map(quoted, table.types))
    parsed = ", ".join(f"record.{quoted(column)}" for column in table.types)
    with transaction(connection, f"earlier versions of {table.name}"):
        keep(
            connection, "added", _ADDED,
            [(one.file.path, one.file.node_id, one.file.day, one.file.landed_at, one.replaced_at) for one in versions],
        )
        connection.execute(
            f"delete from {table.versions} as kept using added where kept.node_id = added.node_id "
            "and kept.day = added.day and kept._landed_at = added.landed_at"
        )
        connection.execute(
            f"insert into {table.versions} "
            f"(node_id, day, record_index, {names}, payload, {_ENVELOPE}, _landed_at, _replaced_at) "
            f"select node_id, day, record_index, {parsed}, payload, {_ENVELOPE}, landed_at, replaced_at from ("
            "select landed.*, from_json(landed.payload, ?) as record, added.landed_at, added.replaced_at "
            "from read_parquet(?, filename = true, hive_partitioning = false) as landed "
            "join added on added.path = landed.filename)",
            [table.structure, [reading.duckdb_location(version.file.path) for version in versions]],
        )
