"""The DuckDB file the pipeline writes: landed days become raw rows, whole or not at all. One writer at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from meta_pipeline.files import damaged, reading
from meta_pipeline.records import LandedFile, LoadError
from meta_pipeline.store import audit_log, day_versions, load_queue, read_times, warehouse_state
from meta_pipeline.warehouse import histories
from meta_pipeline.warehouse.days import sync_day_versions
from meta_pipeline.warehouse.raw import (
    add_versions,
    because,
    ensure,
    is_file_damage,
    keep,
    replace_days,
    transaction,
    trouble_with,
)
from meta_pipeline.warehouse.tables import OWN_DDL, OWN_SCHEMA, SCHEMA, TABLES, RawTable

REPLACED = ".replaced"
_LOADED = pa.schema(
    [
        ("report", pa.string()), ("node_id", pa.string()), ("day", pa.date32()), ("rows", pa.int64()),
        ("version_rows", pa.int64()),
    ]
)
_CALLS = ("day", "node_id", "report", "calls", "operations", "rows", "failed", "seconds", "longest_s")
Item = TypeVar("Item")
Unreadable = dict[str, tuple[LandedFile, Exception]]  # by path


@dataclass(frozen=True, slots=True)
class Loaded:
    """How a load ended: the number of files, and a sentence for every landed file that could not be read."""

    files: int
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileState:
    """What the warehouse file says of itself: who it is and which load it holds; None in a file without a load."""

    identity: str | None = None
    loads: int = 0
    load_id: str | None = None


class Warehouse:
    """Nobody but the loader and dbt opens this file; readers have the published one. `insights`: the tables of the
    reports there are, beside those of the entities."""

    def __init__(self, file: Path, insights: Sequence[RawTable]) -> None:
        self.file = file
        self.insights = tuple(insights)

    @contextlib.contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, for writing. A new file is one that an older DuckDB client can open."""
        connection = duckdb.connect()
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            target = str(self.file).replace("'", "''")
            connection.execute(f"attach '{target}' as warehouse (storage_version 'v1.5.0')")
            connection.execute("use warehouse")
            connection.execute("set timezone = 'UTC'")
        except (duckdb.Error, OSError) as error:
            connection.close()
            raise self._refusal(error) from error
        try:
            yield connection
        except duckdb.Error as error:
            raise LoadError(f"can't read or write {self.file}: {because(error)}") from error
        finally:
            with contextlib.suppress(duckdb.Error):  # a close that can't write: the write before it has said so
                connection.close()

    def _refusal(self, error: Exception) -> LoadError:
        cause = str(error).splitlines()[0]
        if "lock" in cause.lower():
            return LoadError(
                f"can't open {self.file}: another process writes it; readers use the published warehouse ({cause})"
            )
        if isinstance(error, OSError) or "permission denied" in cause.lower() or "read-only file" in cause.lower():
            return LoadError(f"can't open {self.file}: {cause}; check the disk and the permissions")
        return LoadError(
            f"can't open {self.file}: it is damaged or no DuckDB file ({cause}); run `meta-pipeline build --reload`: "
            f"it sets the file aside as {self.file.name}{REPLACED} and makes a new one from everything that landed"
        )

    def load(self, engine: sa.Engine, *, now: dt.datetime) -> Loaded:
        """Load everything that landed and waits in the ledger; running it again loads nothing. A file that can't be
        read is skipped and named. Everything waits again when the warehouse is not the file that the ledger is about:
        it was lost, replaced or restored from an older copy."""
        stored = warehouse_state.find(engine)
        if stored.is_reload_requested:
            self._set_aside()
            warehouse_state.record_set_aside(engine)
        with self.open() as connection:
            file, is_new = _state_of(connection), not _has_raw_tables(connection)
            self._check_is_ours(file, stored)
            is_whole = is_new or not (stored.has_load(file.load_id) or stored.load_id is file.load_id is None)
            if is_whole:
                load_queue.reset(engine)
            connection.execute(OWN_DDL)
            for table in (*self.insights, *TABLES):
                ensure(connection, table, has_versions=table in self.insights)
            load_queue.reset_days(engine, self._lacking(connection, engine))
            load_id = secrets.token_hex(16)
            warehouse_state.start_load(engine, load_id=load_id)
            read_until = read_times.newest_read(engine)
            loaded = self._load(connection, engine, is_whole=is_whole, now=now)
            if is_new:
                _replace_calls(connection, self._calls_of_replaced(stored))
            _replace_calls(connection, audit_log.calls_by_day(engine))
            identity, loads = file.identity or secrets.token_hex(16), max(file.loads, stored.loads) + 1
            with transaction(connection, "the state of the warehouse"):
                connection.execute(f"delete from {OWN_SCHEMA}.warehouse_state")
                connection.execute(
                    f"insert into {OWN_SCHEMA}.warehouse_state values (?, ?, ?, ?)", [identity, loads, load_id, now]
                )
        warehouse_state.finish_load(engine, identity=identity, loads=loads, load_id=load_id, read_until=read_until)
        return loaded

    def _load(
        self, connection: duckdb.DuckDBPyConnection, engine: sa.Engine, *, is_whole: bool, now: dt.datetime
    ) -> Loaded:
        names = [table.name for table in self.insights]
        # A report that left the catalogue keeps waiting until it is back.
        known = {*names, *(table.name for table in TABLES)}
        files = [file for file in load_queue.waiting_files(engine) if file.report in known]
        versions = day_versions.find_waiting(engine, reports=names)
        unreadable: Unreadable = {}
        for table in (*self.insights, *TABLES):
            is_report = table in self.insights
            if mine := [file for file in files if file.report == table.name]:
                write = functools.partial(replace_days, connection, table, has_drift=is_report)
                unreadable |= _load_readable(mine, write, table, lambda file: file)
            if earlier := [one for one in versions if one.file.report == table.name]:
                add = functools.partial(add_versions, connection, table)
                unreadable |= _load_readable(earlier, add, table, lambda version: version.file)
        good = [file for file in files if file.path not in unreadable]
        for file, error in histories.load(connection, engine, good, is_whole=is_whole, now=now):
            unreadable.setdefault(file.path, (file, error))
        good = [file for file in good if file.path not in unreadable]
        if is_whole and files and not good:
            file, error = next(iter(unreadable.values()))
            raise LoadError(
                f"none of the {len(files)} landed files can be read, {file.path} for one: "
                f"{str(error).splitlines()[0]}; make the landing folder readable, then run it again"
            )
        skipped = tuple(_skip(engine, file, error) for file, error in unreadable.values())
        sync_day_versions(connection, engine, self.insights, is_whole=is_whole)
        load_queue.mark_loaded(engine, good, now=now)
        day_versions.mark_loaded(engine, [one for one in versions if one.file.path not in unreadable], now=now)
        return Loaded(len(good), skipped)

    def check_complete(self, engine: sa.Engine) -> None:
        """Raise LoadError unless the file holds all that the ledger lists as loaded: only then may it be published."""
        if not self.file.exists():
            raise LoadError(f"{self.file} does not exist: run `meta-pipeline build`, it loads everything that landed")
        with self.open() as connection:
            stored = warehouse_state.find(engine)
            if not stored.has_load(_state_of(connection).load_id):
                raise LoadError(
                    f"{self.file} is not the warehouse that was loaded last; nothing was published: "
                    "run `meta-pipeline build`, it loads everything again"
                )
            if lacking := self._lacking(connection, engine):
                report, node_id, day = lacking[0]
                raise LoadError(
                    f"{self.file} lacks {len(lacking)} days that the ledger lists as loaded, {report} of {node_id} on "
                    f"{day} among them; nothing was published: run `meta-pipeline build`, it loads them again"
                )

    def is_current(self, engine: sa.Engine) -> bool:
        """Return True when nothing has landed or was read since the last load, and the file is the one loaded then."""
        stored, names = warehouse_state.find(engine), [table.name for table in self.insights]
        if stored.is_reload_requested or not self.file.exists() or stored.read_until != read_times.newest_read(engine):
            return False
        reports = [*names, *(table.name for table in TABLES)]
        if load_queue.is_waiting(engine, reports=reports, with_versions=[*names, *histories.KINDS]):
            return False
        try:
            with contextlib.closing(duckdb.connect(str(self.file), read_only=True)) as connection:
                return _state_of(connection).load_id == stored.load_id is not None
        except duckdb.Error:  # it is being written, or it is damaged: a load finds out
            return False

    def _lacking(self, connection: duckdb.DuckDBPyConnection, engine: sa.Engine) -> list[load_queue.DayKey]:
        """Return the days that the ledger lists as loaded and whose rows are not all in the warehouse."""
        keep(connection, "loaded", _LOADED, load_queue.loaded_days(engine))
        made = dict(connection.execute(
            "select table_name, count(*) from information_schema.tables where table_schema = ? group by 1", [SCHEMA]
        ).fetchall())
        found: list[load_queue.DayKey] = []
        for table in (*self.insights, *TABLES):
            has_versions = table in self.insights
            if table.name not in made:
                continue
            version_rows = f"select node_id, day, count(*) from {table.versions} group by all"
            counts = (
                f"(select node_id, day, count(*) from {table.place} group by all) as kept(node_id, day, rows)",
                f"({version_rows if has_versions else 'select null, null, 0'}) as versions(node_id, day, rows)",
            )
            found += connection.execute(
                f"select report, loaded.node_id, loaded.day from loaded left join {counts[0]} "
                "on loaded.node_id = kept.node_id and loaded.day = kept.day "
                f"left join {counts[1]} on loaded.node_id = versions.node_id and loaded.day = versions.day "
                "where report = ? and ((loaded.rows > 0 and coalesce(kept.rows, 0) <> loaded.rows) "
                "or (? and coalesce(versions.rows, 0) < loaded.version_rows)) order by all",
                [table.name, has_versions],
            ).fetchall()
        return found

    def _check_is_ours(self, file: FileState, stored: warehouse_state.WarehouseState) -> None:
        if stored.has_load(file.load_id) or None in (file.identity, stored.identity):
            return
        if file.identity != stored.identity:
            raise LoadError(
                f"{self.file} was made by another home, or before this home's warehouse was made anew: put the right "
                "file back, set META_PIPELINE_WAREHOUSE to another path, or run `meta-pipeline build --reload`, which "
                f"sets the file aside as {self.file.name}{REPLACED} and loads everything that landed in this home"
            )

    @property
    def _replaced(self) -> Path:
        return self.file.with_name(self.file.name + REPLACED)

    def _set_aside(self) -> None:
        """Rename the file, and its log of changes, unless another process writes it."""
        try:
            duckdb.connect(str(self.file)).close()
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise self._refusal(error) from error
        try:
            for ending in ("", ".wal"):  # DuckDB's own name for the log: it belongs to the file of that name
                source, target = (path.with_name(path.name + ending) for path in (self.file, self._replaced))
                target.unlink(missing_ok=True)
                if source.exists():
                    source.rename(target)
        except OSError as error:
            raise LoadError(f"can't set {self.file} aside: {error}") from error

    def _calls_of_replaced(self, stored: warehouse_state.WarehouseState) -> list[dict[str, Any]]:
        """Return the calls to Graph in the file that was set aside: the audit has forgotten the oldest of them."""
        if not self._replaced.exists():
            return []
        try:
            with contextlib.closing(duckdb.connect(str(self._replaced), read_only=True)) as connection:
                if _state_of(connection).identity != stored.identity:
                    return []
                rows = connection.execute(f"select {', '.join(_CALLS)} from {OWN_SCHEMA}.graph_calls").fetchall()
        except duckdb.Error:  # a damaged file
            return []
        return [dict(zip(_CALLS, row, strict=True)) for row in rows]


def _has_raw_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    query = "select 1 from information_schema.tables where table_schema in (?, ?) limit 1"
    return bool(connection.execute(query, [SCHEMA, OWN_SCHEMA]).fetchall())


def _state_of(connection: duckdb.DuckDBPyConnection) -> FileState:
    """Return what the file says of itself."""
    query = "select 1 from information_schema.tables where table_schema = ? and table_name = 'warehouse_state'"
    if not connection.execute(query, [OWN_SCHEMA]).fetchall():
        return FileState()
    rows = connection.execute(f"select identity, loads, load_id from {OWN_SCHEMA}.warehouse_state").fetchall()
    return FileState(*rows[0]) if rows else FileState()


def _load_readable(
    items: list[Item], load: Callable[[list[Item]], None], table: RawTable, file_of: Callable[[Item], LandedFile]
) -> Unreadable:
    """Load these files; when that fails, those of them that can be read. Return the others by path, and why."""
    try:
        load(items)
        return {}
    except LoadError:
        unreadable: Unreadable = {}
        for file in map(file_of, items):
            if (error := trouble_with(table, file)) is not None:
                unreadable[file.path] = file, error
        if not unreadable:
            raise
    if readable := [item for item in items if file_of(item).path not in unreadable]:
        load(readable)
    return unreadable


def _skip(engine: sa.Engine, file: LandedFile, error: Exception) -> str:
    """Set a damaged file aside, leave one that is missing or refused where it is; return the sentence that names it."""
    cause = str(error).splitlines()[0]
    name = f"{file.report} of {file.node_id} on {file.day}"
    if not reading.exists(file.path):
        return f"{name} is not loaded: {file.path} is in the ledger but not on disk; restore it or read that day again"
    if not is_file_damage(error):
        return f"{name} is not loaded: {file.path} can't be read: {cause}; check the disk and the permissions"
    try:
        target = damaged.set_aside_file(engine, file)
    except OSError as refused:
        return f"{name} is not loaded: {file.path} is damaged ({cause}) and can't be set aside: {refused}"
    return f"{name} is not loaded: {target} is damaged ({cause}); {damaged.how_to_land_again(file)}"


def _replace_calls(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """What the calls to Graph cost, by day, as the audit has it; days the audit has forgotten stay."""
    if not rows:
        return
    days = sorted({str(row["day"]) for row in rows})
    with transaction(connection, "the calls"):
        connection.execute(f"delete from {OWN_SCHEMA}.graph_calls where list_contains(?, day::varchar)", [days])
        connection.executemany(
            f"insert into {OWN_SCHEMA}.graph_calls ({', '.join(_CALLS)}) values ({', '.join('?' * len(_CALLS))})",
            [[row[name] for name in _CALLS] for row in rows],
        )
