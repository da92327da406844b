"""The replacement of the warehouse file: the old one stays in place until a new one beside it is complete."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb

from meta_pipeline.records import LoadError
from meta_pipeline.warehouse.transactions import is_locked

REPLACED, REBUILT = ".replaced", ".rebuilt"
# The ending of DuckDB's write-ahead log, which belongs to the file with the same name.
_LOG = ".wal"


def beside(file: Path, ending: str) -> Path:
    """Return the file of the same name with this ending."""
    return file.with_name(file.name + ending)


def lock_error(file: Path) -> duckdb.Error | None:
    """Return the error of a file that another process has open for writing; None for any other error, or without
    one."""
    if not file.exists():
        return None
    try:
        duckdb.connect(str(file)).close()
    except duckdb.Error as error:
        if is_locked(error):
            return error
    return None


def discard(file: Path) -> None:
    """Remove a file and its log if they exist."""
    for path in (file, beside(file, _LOG)):
        path.unlink(missing_ok=True)


def replace(file: Path, *, new: Path) -> None:
    """Replace the file with a new one in one step; before that, the old one gets a second name (`.replaced`)."""
    replaced = beside(file, REPLACED)
    try:
        if file.exists():
            discard(replaced)
            # Move the log first: beside the new file, DuckDB would use it as that file's log.
            if (log := beside(file, _LOG)).exists():
                log.rename(beside(replaced, _LOG))
            with contextlib.suppress(OSError):  # a disk without hard links: the old file is not kept
                replaced.hardlink_to(file)
        new.replace(file)
        if (log := beside(new, _LOG)).exists():
            log.rename(beside(file, _LOG))
    except OSError as error:
        raise LoadError(f"can't put {new} in the place of {file}: {error}") from error
