"""Names of temporary files: each contains the process that writes it, so that the next run can remove those of killed
processes."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import time
from pathlib import Path

from meta_pipeline.files.locations import Location
from meta_pipeline.store.coordination.processes import identity, is_gone

# No file is written for longer. For a writer on another host, or of an older version, only the age is known.
LONGEST_S = 86_400.0
_numbers = itertools.count()


def beside(path: Path) -> Path:
    """Return a name beside `path` that no other process or thread uses."""
    return path.with_name(f".{path.name}~{next(_numbers)}~{_identity(os.getpid())}.tmp")


@functools.cache
def _identity(pid: int) -> str:
    return identity(pid)


def discard_left_behind_once(folder: Location) -> None:
    """Remove the temporary files of killed processes in a folder; later calls by this process for this folder do
    nothing."""
    _discard_once(folder, os.getpid())


@functools.cache
def _discard_once(folder: Location, pid: int) -> None:
    discard_left_behind(folder)


def discard_left_behind(folder: Location) -> None:
    """Remove the temporary files in a folder whose process is gone, or that are a day old."""
    _discard(Path(folder), starting_with=".")


def discard_left_behind_of(location: Location) -> None:
    """Remove the temporary files of this one file; others in its folder may not be ours."""
    path = Path(location)
    for separator in ("~", "."):  # a dot in an older version
        _discard(path.parent, starting_with=f".{path.name}{separator}")


def _discard(folder: Path, *, starting_with: str) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.removesuffix(".wal")  # DuckDB's write-ahead log of a temporary file
            if not (name.startswith(starting_with) and name.endswith(".tmp")):
                continue
            process = name.removeprefix(starting_with).removesuffix(".tmp").rpartition("~")[2]
            with contextlib.suppress(FileNotFoundError):  # another process has removed it
                is_old = time.time() - entry.stat().st_mtime > LONGEST_S
                if is_old or (process.count(":") >= 2 and is_gone(process)):
                    Path(entry.path).unlink()
