"""Landed files that can't be loaded: they are skipped, and each is named with its cause and its remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from meta_pipeline.files import damaged, reading
from meta_pipeline.files.locations import is_cold
from meta_pipeline.records import LandedFile, LoadError
from meta_pipeline.warehouse.raw.rows import load_error_of
from meta_pipeline.warehouse.tables import RawTable
from meta_pipeline.warehouse.transactions import is_file_damage

Item = TypeVar("Item")
Unreadable = dict[str, tuple[LandedFile, Exception]]  # by path


def load_readable(
    items: list[Item], load: Callable[[list[Item]], None], table: RawTable, file_of: Callable[[Item], LandedFile], *,
    has_versions: bool = False,
) -> Unreadable:
    """Load these files; when that fails, only those that can be read. Return the others by path, with their errors.
    Raise LoadError if all of them can be read: then the cause is elsewhere."""
    try:
        load(items)
        return {}
    except LoadError:
        unreadable: Unreadable = {}
        for file in map(file_of, items):
            if (error := load_error_of(table, file, is_version=has_versions)) is not None:
                unreadable[file.path] = file, error
        if not unreadable:
            raise
    if readable := [item for item in items if file_of(item).path not in unreadable]:
        load(readable)
    return unreadable


def skip(engine: sa.Engine, file: LandedFile, error: Exception) -> str:
    """Set a damaged file aside, leave a missing or refused one in place; return the sentence that names it."""
    cause = str(error).splitlines()[0]
    days = f"in {damaged.label_of(file)}" if is_cold(file.path) else f"on {file.day}"
    name = f"{file.report} of {file.node_id} {days}"
    if not reading.exists(file.path):
        return f"{name} is not loaded: {file.path} is in the ledger but not on disk; restore it or read that day again"
    if not is_file_damage(error):
        return f"{name} is not loaded: {file.path} can't be read: {cause}; check the disk and the permissions"
    try:
        target = damaged.set_aside_file(engine, file)
    except OSError as refused:
        return f"{name} is not loaded: {file.path} is damaged ({cause}) and can't be set aside: {refused}"
    return f"{name} is not loaded: {target} is damaged ({cause}); {damaged.how_to_land_again(file)}"
