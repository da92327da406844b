"""Storages on Dagster's own SQLite files that hold them open, for processes that mostly write events. Files, tables and
rows are Dagster's; its own storages create an engine and open a file four times per event (docs/decisions/0027)."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS

from meta_pipeline.store.engine import name_errors

# How many files of events are held open: the index, and the newest runs' own.
_HELD = 8
_INDEX = "index"


def held_open(dagster_home: Path) -> dict[str, Any]:
    """Return the part of `dagster.yaml` that configures the two storages on the files of this home."""
    history = dagster_home / "history"
    return {
        name: {"module": __name__, "class": each.__name__, "config": {"base_dir": str(folder)}}
        for name, each, folder in (
            ("run_storage", HeldRuns, history), ("event_log_storage", HeldEvents, history / "runs"),
        )
    }


class HeldRuns(SqliteRunStorage):
    """`runs.db` through one engine."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> HeldRuns:
        return cls.from_local(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    @functools.cached_property
    def _engine(self) -> sa.Engine:
        return _engine_on(self._conn_string)

    def dispose(self) -> None:
        self._engine.dispose()
        super().dispose()


class HeldEvents(SqliteEventLogStorage):
    """The index and the file of each run, each through one engine."""

    def __init__(self, base_dir: str, inst_data: Any = None):
        self._engines: dict[str, sa.Engine] = {}
        self._empty: bytes | None = None
        self._tables: set[str] = set()
        self._creation_lock = threading.Lock()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> HeldEvents:
        return cls(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._creation_lock:
            if shard not in self._initialized_dbs:
                self._create_or_check(shard)
        with self._db_lock, self._engine_of(shard).begin() as connection:
            yield connection

    def _create_or_check(self, shard: str) -> None:
        """Create a run's file, or let Dagster check a file that exists already. Dagster creates the first one, in 30
        ms; the next ones start as a copy of that empty file."""
        file = Path(self.path_for_shard(shard))
        is_new = shard != _INDEX and not file.exists()
        if is_new and self._empty:
            fresh = file.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(self._empty)
            with contextlib.suppress(OSError):  # another process made it, or the file system has no links
                os.link(fresh, file)
                self._initialized_dbs.add(shard)
            fresh.unlink()
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass
            if is_new and not self._empty and hasattr(sqlite3.Connection, "serialize"):  # SQLite can be built without
                with contextlib.closing(sqlite3.connect(file)) as made:
                    if not made.execute("select exists (select 1 from event_logs)").fetchone()[0]:
                        self._empty = made.serialize()

    def _engine_of(self, shard: str) -> sa.Engine:
        if shard not in self._engines:
            self._engines[shard] = _engine_on(self.conn_string_for_shard(shard))
            if len(self._engines) > _HELD:
                self._engines.pop(next(name for name in self._engines if name != _INDEX)).dispose()
        return self._engines[shard]

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)  # no version of Dagster drops a table
        return table_name in self._tables

    def wipe(self) -> None:
        self._dispose_engines()
        super().wipe()

    def dispose(self) -> None:
        self._dispose_engines()
        super().dispose()

    def _dispose_engines(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _engine_on(url: str) -> sa.Engine:
    """Return an engine whose connections stay open, so that SQLite does not close the file, and which waits for the
    disk only at checkpoints (docs/decisions/0024)."""
    engine = sa.create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("pragma synchronous = normal")

    name_errors(engine, "Dagster's storage")
    return engine
