"""Files in two places: a hard link where the file system allows it, otherwise a copy."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from pathlib import Path

from meta_pipeline.files import durable
from meta_pipeline.files.locations import Location


def link_or_copy(source: Location, target: Location) -> bool:
    """Link or copy a file to a second location unless that exists. Return False if the source is missing."""
    second = Path(target)
    if second.exists():
        return True
    second.parent.mkdir(parents=True, exist_ok=True)
    try:
        second.hardlink_to(source)
    except FileExistsError:
        return True
    except FileNotFoundError:
        return False
    except OSError:  # another file system, or one without links
        durable.copy(Path(source), target)
    return True


def remove_others(folder: Location, names: Collection[str], *, pattern: re.Pattern[str]) -> None:
    """Remove the files in a folder that are not among `names` and whose names match `pattern`."""
    with contextlib.suppress(FileNotFoundError):
        for path in Path(folder).iterdir():
            if path.name not in names and pattern.fullmatch(path.name):
                path.unlink(missing_ok=True)


def remove_with_empty_folder(location: Location) -> None:
    """Remove a file, and its folder if it is then empty."""
    path = Path(location)
    path.unlink(missing_ok=True)
    remove_empty_folder(str(path.parent))


def remove_empty_folder(location: Location) -> None:
    """Remove a folder if it is empty."""
    with contextlib.suppress(OSError):
        Path(location).rmdir()
