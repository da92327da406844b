"""Erase from Dagster's storage, in SQLite or Postgres: runs, events, tags and partitions that mention the subject.

Dagster has no way to erase one partition's history, and `serve` must not need Dagster. This uses only
columns that Dagster's own queries use, and skips a table or column that a version lacks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from meta_pipeline.erasure.contents import chunks_of, is_sqlite
from meta_pipeline.erasure.mentions import Mentions
from meta_pipeline.files.removal import files_below, remove_folder

T = TypeVar("T")
# Rebuilt by Dagster when it is missing; it lists partitions.
_CACHES = {("asset_keys", "cached_status_data")}
_BUSY_S, _PORTION = 60.0, 500
_ENDINGS = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class ErasedHistory:
    """The rows that were removed or changed, and the runs that were removed with all their rows."""

    rows: int
    runs: int


def erase_folder(dagster_home: Path, mentions: Mentions, nodes: frozenset[str]) -> ErasedHistory:
    """Erase from the SQLite files of a Dagster home, and remove the files of the removed runs. `runs.db` is changed
    last, because it lists these runs, also after a kill."""
    history, rows = dagster_home / "history", 0
    if not history.exists():
        return ErasedHistory(0, 0)
    runs_file = history / "runs.db"
    runs = _with_engine(runs_file, lambda engine: _runs_of(engine, nodes)) if runs_file.exists() else set[str]()
    for file in _databases(dagster_home):
        if file.stem not in runs and file != runs_file:
            rows += _erase_file(file, mentions, runs)
    for run_id in runs:
        for ending in _ENDINGS:
            (history / "runs" / f"{run_id}.db{ending}").unlink(missing_ok=True)
        remove_folder(str(dagster_home / "storage" / run_id))
    if runs_file.exists():
        rows += _erase_file(runs_file, mentions, runs)
    return ErasedHistory(rows, len(runs))


def _erase_file(file: Path, mentions: Mentions, runs: set[str]) -> int:
    def erase(engine: sa.Engine) -> int:
        changed = _erase(engine, mentions, runs)
        # There is a file for every run: files that never had a mention are not rewritten.
        if changed or any(mentions.is_in(chunk) for chunk in chunks_of(file)):
            _vacuum(engine)
        return changed

    return _with_engine(file, erase)


def _with_engine(file: Path, work: Callable[[sa.Engine], T]) -> T:
    engine = _opened(f"sqlite:///{file}")
    try:
        return work(engine)
    finally:
        engine.dispose()


def erase_server(url: str, dagster_home: Path, mentions: Mentions, nodes: frozenset[str]) -> ErasedHistory:
    """Erase from Dagster's database on Postgres, and remove the files of the removed runs under the home."""
    engine = _opened(url)
    try:
        runs = _runs_of(engine, nodes)
        rows = _erase(engine, mentions, runs)
        _vacuum(engine)
    finally:
        engine.dispose()
    for run_id in runs:
        remove_folder(str(dagster_home / "storage" / run_id))
    return ErasedHistory(rows, len(runs))


def _databases(dagster_home: Path) -> list[Path]:
    return [file for file in files_below(dagster_home) if file.suffix == ".db" and is_sqlite(file)]


def _opened(url: str) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _connected(connection: sqlite3.Connection, _: Any) -> None:
            connection.execute(f"pragma busy_timeout = {int(_BUSY_S * 1000)}")
            connection.execute("pragma secure_delete = on")

    return engine


def _runs_of(engine: sa.Engine, nodes: frozenset[str]) -> set[str]:
    """Return the runs that read or load only erased nodes: at least one tag begins with an erased node, and no tag has
    a partition of another node."""
    tables = _tables(engine)
    if "run_tags" not in tables:
        return set()
    tags = tables["run_tags"]
    runs, others = set[str](), set[str]()
    with engine.connect() as connection:
        for row in connection.execute(sa.select(tags.c.run_id, tags.c.value)):
            node_id, is_partition, _ = str(row.value or "").partition("|")
            if node_id in nodes:
                runs.add(row.run_id)
            elif is_partition:
                others.add(row.run_id)
    return runs - others


def _erase(engine: sa.Engine, mentions: Mentions, runs: set[str]) -> int:
    """Remove the rows of removed runs and of erased partitions; remove the mentions from all other rows."""
    count = 0
    for table in _tables(engine).values():
        with engine.begin() as connection:
            if "run_id" in table.c:
                names = sorted(runs)
                for start in range(0, len(names), _PORTION):
                    of_runs = table.c.run_id.in_(names[start : start + _PORTION])
                    count += connection.execute(table.delete().where(of_runs)).rowcount
            count += _erase_mentions(connection, table, mentions)
    return count


def _erase_mentions(connection: sa.Connection, table: sa.Table, mentions: Mentions) -> int:
    texts = [column for column in table.c if isinstance(column.type, (sa.String, sa.Text))]
    key = next((column for column in table.c if column.name == "id"), None)
    if not texts or key is None:
        return 0
    count = 0
    for rows in _portions(connection, sa.select(key, *texts).order_by(key), key):
        for row in rows:
            values = row._mapping
            mentioned = [each for each in texts if values[each.name] and mentions.is_in(str(values[each.name]))]
            if not mentioned:
                continue
            count += 1
            if any(each.name == "partition" for each in mentioned) or _is_tag_of_partition(values, mentioned):
                connection.execute(table.delete().where(key == values[key.name]))
                continue
            changes = {
                each.name: None if (table.name, each.name) in _CACHES else mentions.without_in(values[each.name])
                for each in mentioned
            }
            connection.execute(table.update().where(key == values[key.name]).values(changes))
    return count


def _is_tag_of_partition(values: Any, mentioned: list[sa.Column[Any]]) -> bool:
    """Return True for the tag of an event about a partition; the event itself goes as well."""
    return any(each.name == "value" for each in mentioned) and str(values.get("key", "")).startswith("dagster/")


def _portions(connection: sa.Connection, query: sa.Select[Any], key: sa.Column[Any]) -> Iterator[Any]:
    """Yield the rows of a query in portions, so that a million events are never all in memory."""
    last: Any = None
    while True:
        portion = query.limit(_PORTION) if last is None else query.where(key > last).limit(_PORTION)
        if not (rows := connection.execute(portion).all()):
            return
        yield rows
        last = rows[-1]._mapping[key.name]


def _tables(engine: sa.Engine) -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    return {name: table for name, table in metadata.tables.items() if name != "alembic_version"}


def _vacuum(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("vacuum")
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)").all()
        else:
            connection.exec_driver_sql("vacuum (full, analyze)")  # statistics hold values of the rows
