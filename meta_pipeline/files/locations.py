"""Locations of landed and published files: a path of a folder today; an object store would use URLs."""

from __future__ import annotations

import datetime as dt
import re

# Only this package turns a location into a path.
Location = str


def join(root: Location, *names: str) -> Location:
    """Return the location of a file, or of a folder, under `root`."""
    return "/".join((root.rstrip("/"), *names))


def name_of(location: Location) -> str:
    """Return the last part of a location."""
    return location.rpartition("/")[2]


def folder_of(location: Location) -> Location:
    """Return the location without its last part."""
    return location.rpartition("/")[0]


_COLD = re.compile(r"\d{4}-\d{2}\.parquet")


def cold_name(month: dt.date) -> str:
    """Return the name of the cold file of a month."""
    return f"{month:%Y-%m}.parquet"


def is_cold(location: Location) -> bool:
    """Return True for a cold file, which holds the days of a month; a hot file holds one."""
    return _COLD.fullmatch(name_of(location)) is not None
