"""One connection to the published warehouse: all figures of a report are of one build, even if another is published
meanwhile. Marts and columns that an earlier release didn't have are missing, not an error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.query import connected

_COLUMNS = "select table_name, column_name from information_schema.columns where table_schema = 'marts'"


class PublishedMarts:
    """The marts of one published file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._columns: dict[str, set[str]] = {}
        for mart, column in self.rows(_COLUMNS):
            self._columns.setdefault(mart, set()).add(column)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def has(self, mart: str, *columns: str) -> bool:
        """Return True if the mart exists and has these columns."""
        return mart in self._columns and self._columns[mart].issuperset(columns)

    def column(self, mart: str, name: str, *, default: str = "null") -> str:
        """Return the column's name, or an expression in its place if the mart lacks it."""
        return name if self.has(mart, name) else default


@contextlib.contextmanager
def opened_marts(published: Location) -> Iterator[PublishedMarts]:
    """Open the published file and close it at the end."""
    with connected(published) as connection:
        yield PublishedMarts(connection)
