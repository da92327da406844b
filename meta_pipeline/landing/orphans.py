"""Orphans: landed files that no entry of the ledger names. A kill leaves them; nothing reads them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.files import damaged, durable, listing, temporary
from meta_pipeline.files.listing import ListedFile
from meta_pipeline.files.locations import Location, join, name_of
from meta_pipeline.store.landed import zones

# A younger file may be one that a run is about to record.
LEAST_AGE = dt.timedelta(days=1)
# Names that only this program uses; any other file in the folder is not ours.
_OURS = re.compile(r"\d{4}-\d{2}(-\d{2}(\.\d{8}T\d{6}\.\d{6}Z)?)?\.parquet")


@dataclass(slots=True, kw_only=True)
class Orphans:
    """The number and bytes of the files that the ledger does not name. `foreign`: the number of other such files that
    another control store may name, because this one has no entry of their node and report, or its first entry is newer
    than they are; they are never removed. `is_complete`: every file was checked."""

    files: int = 0
    bytes: int = 0
    foreign: int = 0
    is_complete: bool = True


def count(root: Location, engine: sa.Engine, *, now: dt.datetime, most: int) -> Orphans:
    """Count the orphans under the landing folder; stop once `most` files were checked."""
    total, checked = Orphans(), 0
    begins = zones.first_landed_at(engine)
    for report, node_id in _folders(root):
        listed = _listed(root, report, node_id)
        _add(total, *_orphans_among(listed, engine, report, node_id, now=now, begins=begins))
        checked += len(listed)
        if checked >= most:
            total.is_complete = False
            break
    return total


def remove(root: Location, engine: sa.Engine, *, now: dt.datetime) -> Orphans:
    """Remove the orphans under the landing folder, and the partial files of killed processes; return the counts of the
    orphans."""
    total = Orphans()
    begins = zones.first_landed_at(engine)
    for report, node_id in _folders(root):
        for folder in _folders_of(root, report, node_id):
            temporary.discard_left_behind(folder)
        listed = _listed(root, report, node_id)
        orphans, foreign = _orphans_among(listed, engine, report, node_id, now=now, begins=begins)
        for file in orphans:
            durable.remove(file.location)
        _add(total, orphans, foreign)
    return total


def _listed(root: Location, report: str, node_id: str) -> list[ListedFile]:
    return [
        file for folder in _folders_of(root, report, node_id) for file in listing.files_in(folder)
        if _OURS.fullmatch(name_of(file.location))
    ]


def _orphans_among(
    listed: list[ListedFile], engine: sa.Engine, report: str, node_id: str, *, now: dt.datetime,
    begins: dt.datetime | None,
) -> tuple[list[ListedFile], list[ListedFile]]:
    """Return the orphans among the listed files, and separately the foreign files. Names are compared, not whole paths:
    the folder may have moved."""
    # Read after the listing, so that files recorded meanwhile are named.
    named = {_tail(path) for path in zones.paths_of(engine, node_id=node_id, report=report)} if listed else set()
    unnamed = [file for file in listed if now - file.changed_at >= LEAST_AGE and _tail(file.location) not in named]
    foreign = [file for file in unnamed if not named or begins is None or file.written_at < begins]
    return [file for file in unnamed if file not in foreign], foreign


def _add(total: Orphans, orphans: list[ListedFile], foreign: list[ListedFile]) -> None:
    total.files += len(orphans)
    total.bytes += sum(file.size for file in orphans)
    total.foreign += len(foreign)


def files_of_node(root: Location, engine: sa.Engine, node_id: str) -> list[Location]:
    """Return every file with data of a node: days, months, earlier versions, files set aside, partial files and
    orphans."""
    on_disk = [
        file.location for report, folder_of_node in _folders(root) if folder_of_node == node_id
        for folder in _folders_of(root, report, node_id) for file in listing.files_in(folder)
    ]
    return sorted({*on_disk, *zones.paths_of(engine, node_id=node_id)})


def _folders(root: Location) -> Iterator[tuple[str, str]]:
    for report in listing.folders_in(root):
        for node_id in listing.folders_in(join(root, report)):
            yield report, node_id


def _folders_of(root: Location, report: str, node_id: str) -> tuple[Location, Location]:
    folder = join(root, report, node_id)
    return folder, join(folder, damaged.VERSIONS)


def _tail(location: Location) -> tuple[str, ...]:
    """Return the part of a location that identifies its content: its name, and its folder if it is that of versions."""
    *_, folder, name = location.split("/")
    return (damaged.VERSIONS, name) if folder == damaged.VERSIONS else (name,)

