"""The marts of one published file, and queries on them within limits, while a question is answered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from meta_pipeline.ask.answers import AskError
from meta_pipeline.display import printable
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.deadline import Scheduler, thread_timer
from meta_pipeline.publish.readers.query import Answer, Limits, connected, read

SECONDS, MEMORY = 20.0, "1GB"
MOST_ROWS, DEFAULT_ROWS = 5_000, 200
_CHARACTERS = 4_000_000
_COLUMNS = "select table_name, column_name from duckdb_columns() where schema_name = 'marts' order by all"


class Marts:
    """The marts of a published file; all queries of a question see the same build."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, schedule: Scheduler = thread_timer) -> None:
        self._connection, self._schedule = connection, schedule
        self.columns: dict[str, list[str]] = {}
        for mart, column in self.rows(_COLUMNS):
            self.columns.setdefault(mart, []).append(column)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one of our own queries."""
        return self.read(sql, values, limit=MOST_ROWS).rows

    def read(self, sql: str, values: Sequence[Any] = (), *, limit: int) -> Answer:
        """Return at most `limit` rows of a query."""
        limits = Limits(rows=min(limit, MOST_ROWS), seconds=SECONDS, characters=_CHARACTERS)
        return read(self._connection, sql, values, limits=limits, schedule=self._schedule)

    def has(self, mart: str, *columns: str) -> bool:
        """Return True if the mart exists and has these columns."""
        return mart in self.columns and set(columns) <= set(self.columns[mart])

    def has_table(self, schema: str, name: str) -> bool:
        """Return True if the file has this table or view."""
        sql = "select 1 from duckdb_columns() where schema_name = ? and table_name = ? limit 1"
        return bool(self.rows(sql, [schema, name]))

    def check(self, mart: str) -> None:
        """Raise AskError unless there is such a mart."""
        if mart not in self.columns:
            raise AskError(f"there is no mart {printable(mart, limit=80)!r}: list_marts names them")


@contextlib.contextmanager
def opened(published: Location, *, schedule: Scheduler = thread_timer) -> Iterator[Marts]:
    """Open the published file and close it at the end."""
    with connected(published, memory=MEMORY) as connection:
        yield Marts(connection, schedule=schedule)
