"""The warehouse file while a new one is made beside it: the old one stays in place until the new one is whole."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb

from meta_pipeline.records import LoadError
from meta_pipeline.warehouse.transactions import is_locked

REPLACED, REBUILT = ".replaced", ".rebuilt"
# DuckDB's own name for the log of changes: it belongs to the file of that name.
_LOG = ".wal"


def beside(file: Path, ending: str) -> Path:
    """Return the file of the same name with this ending."""
    return file.with_name(file.name + ending)


def lock_error(file: Path) -> duckdb.Error | None:
    """Return the error of a file that another process writes; None when nobody does, whatever else is wrong with it."""
    if not file.exists():
        return None
    try:
        duckdb.connect(str(file)).close()
    except duckdb.Error as error:
        if is_locked(error):
            return error
    return None


def discard(file: Path) -> None:
    """Remove a file and its log, such as a killed process left."""
    for path in (file, beside(file, _LOG)):
        path.unlink(missing_ok=True)


def replace(file: Path, *, new: Path) -> None:
    """Put a new file in place in one step; the old one gets its second name before."""
    replaced = beside(file, REPLACED)
    try:
        if file.exists():
            discard(replaced)
            # The log first: beside the new file it would be taken for that file's own.
            if (log := beside(file, _LOG)).exists():
                log.rename(beside(replaced, _LOG))
            with contextlib.suppress(OSError):  # a disk without hard links: the old file has no second name then
                replaced.hardlink_to(file)
        new.replace(file)
        if (log := beside(new, _LOG)).exists():
            log.rename(beside(file, _LOG))
    except OSError as error:
        raise LoadError(f"can't put {new} in the place of {file}: {error}") from error
