"""Queries on the published warehouse: they read that file, and nothing else on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import duckdb

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.records import MetaPipelineError

_CONFINED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False, "autoinstall_known_extensions": False, "autoload_known_extensions": False,
}


class QueryError(MetaPipelineError):
    """A query that could not be answered."""


@contextlib.contextmanager
def connected(published: Location) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file and close it at the end. No other file can be read or written through the connection, and
    no setting that would allow it can be changed. What is published meanwhile is not seen."""
    if not reading.exists(published):
        raise QueryError(f"nothing is published yet at {published}: run `meta-pipeline backfill` first")
    try:
        with contextlib.closing(_open(published)) as connection:
            connection.execute("set lock_configuration = true")
            yield connection
    except duckdb.Error as error:
        raise QueryError(" ".join(str(error).split())) from error


def query(published: Location, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return column names and rows; decimals stay `Decimal`."""
    with connected(published) as connection:
        result = connection.execute(sql)
        return [column[0] for column in result.description or ()], result.fetchall()


def _open(published: Location) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(reading.duckdb_location(published), read_only=True, config=_CONFINED)
