"""Queries on the published warehouse: they read that file and no other on this machine, within limits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from meta_pipeline.display import printable
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.deadline import Deadline, Scheduler, thread_timer
from meta_pipeline.records import MetaPipelineError

_CONFINED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False, "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    "max_temp_directory_size": "4GB",
}
LONGEST_QUERY = 100_000
_CELL = 32  # characters that are counted for a value that is not text
# The statements that are allowed; DuckDB reports a PIVOT as MULTI.
_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI}


class QueryError(MetaPipelineError):
    """A query that could not be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one query. `rows`: further rows are left out. `characters`: of all values together; more is an
    error."""

    rows: int | None = None
    seconds: float | None = None
    characters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of a query; decimals stay `Decimal`. `is_cut`: there are more rows than the limit."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False


@contextlib.contextmanager
def connected(published: Location, *, memory: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file and close it at the end. No other file can be read or written through the connection, and
    no setting that would allow it can be changed. Times are in UTC. A later publication is not seen. `memory`: how much
    a query may use, as DuckDB's `memory_limit`."""
    if not reading.exists(published):
        raise QueryError(f"nothing is published yet at {published}: run `meta-pipeline backfill` first")
    try:
        with contextlib.closing(_open(published, memory)) as connection:
            _lock(connection)
            yield connection
    except duckdb.Error as error:
        raise QueryError(_sentence(error)) from error


def query(published: Location, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return column names and rows; decimals stay `Decimal`."""
    with connected(published) as connection:
        answer = read(connection, sql, limits=Limits())
    return answer.columns, answer.rows


def read(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    values: Sequence[Any] = (),
    *,
    limits: Limits,
    schedule: Scheduler = thread_timer,
) -> Answer:
    """Return the rows of one statement that reads. Raise QueryError, with one sentence, for any other statement, or if
    a limit is exceeded. Rows are fetched as they are computed: a limit of rows ends the query."""
    statement = _checked(connection, sql)
    with Deadline(limits.seconds, connection.interrupt, schedule=schedule) as deadline:
        try:
            return _fetch(connection.execute(statement, list(values) or None), limits, deadline)
        except duckdb.Error as error:
            if deadline.is_over:
                raise QueryError(_over(limits)) from error
            raise QueryError(_sentence(error)) from error


def _checked(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    if len(sql) > LONGEST_QUERY:
        raise QueryError(f"the query has {len(sql):,} characters, at most {LONGEST_QUERY:,} are allowed")
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(_sentence(error)) from error
    if len(statements) != 1:
        raise QueryError(f"a query is one statement, this has {len(statements)}")
    if statements[0].type not in _READS:
        kind = statements[0].type.name
        raise QueryError(f"a query reads (SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE, PIVOT, EXPLAIN), this is {kind}")
    return statements[0]


def _fetch(result: duckdb.DuckDBPyConnection, limits: Limits, deadline: Deadline) -> Answer:
    columns = [column[0] for column in result.description or ()]
    rows: list[tuple[Any, ...]] = []
    characters = 0
    while row := result.fetchone():
        if deadline.is_over:
            raise QueryError(_over(limits))
        if limits.rows is not None and len(rows) == limits.rows:
            return Answer(columns=columns, rows=rows, is_cut=True)
        if limits.characters is not None:
            characters += sum(_size(value) for value in row)
            if characters > limits.characters:
                raise QueryError(
                    f"the answer has more than {limits.characters:,} characters: select fewer columns or rows"
                )
        rows.append(row)
    return Answer(columns=columns, rows=rows)


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    return len(str(value)) if isinstance(value, list | dict | tuple) else _CELL


def _over(limits: Limits) -> str:
    return f"the query took longer than {limits.seconds:g} s and was stopped"


def _sentence(error: duckdb.Error) -> str:
    """Return DuckDB's error on one line, without the excerpt of the query and the advice below it."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "the query needs more memory or temporary space than it may use: read fewer rows or columns"
    return printable(" ".join(str(error).split("\n\n")[0].split("\nLINE ")[0].split()))


def _open(published: Location, memory: str | None) -> duckdb.DuckDBPyConnection:
    config = _CONFINED if memory is None else {**_CONFINED, "memory_limit": memory}
    return duckdb.connect(reading.duckdb_location(published), read_only=True, config=config)


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Forbid changes to settings. If this process already has the file open, its settings are shared and locked."""
    ((is_locked,),) = connection.execute("select current_setting('lock_configuration')").fetchall()
    if not is_locked:
        connection.execute("set timezone = 'UTC'; set lock_configuration = true")
