"""List the files under the landing folder. Daily runs never do this: the ledger names every file."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass

from meta_pipeline.files.locations import Location, join


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file in a folder. `written_at`: when its content was written; `changed_at`: when its content, its name or the
    number of its links last changed."""

    location: Location
    size: int
    written_at: dt.datetime
    changed_at: dt.datetime


def folders_in(folder: Location) -> list[str]:
    """Return the names of the folders in a folder; none if it does not exist."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def files_in(folder: Location) -> Iterator[ListedFile]:
    """Yield the files in a folder; none if it does not exist. A file that is removed meanwhile is skipped."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    written_at, changed_at = (
                        dt.datetime.fromtimestamp(seconds, dt.UTC)
                        for seconds in (stat.st_mtime, max(stat.st_mtime, stat.st_ctime))
                    )
                    yield ListedFile(
                        location=join(folder, entry.name), size=stat.st_size, written_at=written_at,
                        changed_at=changed_at,
                    )
