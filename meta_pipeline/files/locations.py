"""Locations of landed and published files: a path of a folder today; an object store would use URLs."""

from __future__ import annotations

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
