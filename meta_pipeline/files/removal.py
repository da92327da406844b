"""Remove a folder with everything in it, and list all files under a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from meta_pipeline.files.locations import Location


def remove_folder(location: Location) -> int:
    """Remove a folder with everything in it; return the number of files it had."""
    folder = Path(location)
    count = sum(1 for _ in files_below(folder))
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():  # something could not be removed: raise the error
        shutil.rmtree(folder)
    return count


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file under a folder, without following links; none if it does not exist."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names))
