"""Transactions on the warehouse file, and DuckDB's errors with their cause and remedy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import duckdb

from meta_pipeline.files import damaged
from meta_pipeline.records import LoadError


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Commit the block as a whole or roll it back; raise LoadError, with `name`, for an error of DuckDB."""
    connection.execute("begin")
    try:
        yield
        connection.execute("commit")
    except duckdb.Error as error:
        _roll_back(connection)
        raise LoadError(f"could not load {name}: {cause_of(error)}") from error
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Roll back. After some errors (a full disk) DuckDB has rolled back itself and raises: the first error is the one
    to report."""
    with contextlib.suppress(duckdb.Error):
        connection.execute("rollback")


_FULL = ("no space left", "disk is full", "max_temp_directory_size")
_REFUSED = (*_FULL, "input/output error", "permission denied", "too many open files", "read-only file system")
_DAMAGED = ("corrupt", "checksum", "could not read enough bytes", "not a valid duckdb database", "serialization error")


def cause_of(error: Exception) -> str:
    """Return the cause of a DuckDB error and what to do about it, on one line."""
    cause = str(error).splitlines()[0] if str(error) else type(error).__name__
    if _mentions(error, _FULL):
        return f"{cause}; free space, then run it again"
    if _mentions(error, _REFUSED):
        return f"{cause}; check the disk and the permissions, then run it again"
    if _mentions(error, _DAMAGED) or isinstance(error, duckdb.InternalException):
        return f"{cause}; if the warehouse file is damaged, `meta-pipeline rebuild` makes a new one"
    return cause


def is_file_damage(error: Exception) -> bool:
    """Return True for an error about the content of the file that was read, False for an error of the machine."""
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException | duckdb.InterruptException):
        return False
    return damaged.is_damage(error) and not _mentions(error, _REFUSED)


def is_locked(error: Exception) -> bool:
    """Return True for DuckDB's error about a file that another process has open. Its text also names the file, so the
    word "lock" alone proves nothing."""
    return "could not set lock on file" in str(error).lower()


def _mentions(error: Exception, words: Sequence[str]) -> bool:
    return any(word in str(error).lower() for word in words)
