"""Compact finished months: the hot files of the days become one cold file of the month.

The order of the steps makes a kill after any of them harmless: the cold file is renamed into place, then one
transaction of the ledger moves the days into it, then their hot files are removed. The ledger alone decides which file
is read. The replacement of a cold file still holds every day that the ledger lists in it, so readers are not
affected."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.files import damaged, durable, reading, temporary
from meta_pipeline.files.locations import Location, cold_name, is_cold, join
from meta_pipeline.landing import cold
from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed import zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """The result of a compaction: the hot files that went into cold files, the bytes before and after, and a sentence
    for every day that is not compacted because its file is damaged or unreadable."""

    hot_files: int = 0
    cold_files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: Compacted) -> Compacted:
        names = [field.name for field in dataclasses.fields(self)]
        return Compacted(**{name: getattr(self, name) + getattr(other, name) for name in names})


def first_hot_day(today: dt.date, hot_days: int) -> dt.date:
    """Return the first day of the hot zone: a month is compacted as a whole once its last day is older."""
    return (today - dt.timedelta(days=hot_days)).replace(day=1)


def compact_node(root: Location, engine: sa.Engine, node_id: str, *, before: dt.date) -> Compacted:
    """Compact a node's days before this day, and the earlier versions that landed before it. The caller holds the
    node's lease and `zones.FILES_LEASE`."""
    total = Compacted()
    for has_versions in (False, True):
        entries = zones.find_settled(engine, node_id=node_id, before=before, has_versions=has_versions)
        for target, group in _by_target(root, entries, has_versions=has_versions):
            if any(not is_cold(entry.path) for entry in group):
                total += _compact_month(target, group, engine=engine, has_versions=has_versions)
    return total


def _by_target(
    root: Location, entries: Sequence[LandedFile], *, has_versions: bool
) -> Iterator[tuple[Location, list[LandedFile]]]:
    """Yield each cold file with its entries: days by month, versions by the month in which they landed, because all
    versions of a listing have the same day."""

    def target_of(entry: LandedFile) -> Location:
        if has_versions:
            month = entry.landed_at.astimezone(dt.UTC).date()
            return join(root, entry.report, entry.node_id, damaged.VERSIONS, cold_name(month))
        return join(root, entry.report, entry.node_id, cold_name(entry.day))

    for target, group in itertools.groupby(sorted(entries, key=target_of), key=target_of):
        yield target, list(group)


def _compact_month(
    target: Location, entries: Sequence[LandedFile], *, engine: sa.Engine, has_versions: bool
) -> Compacted:
    """Write a cold file from these entries, move them there in the ledger, and remove their hot files. A hot file that
    is unreadable or does not match the ledger stays hot; if this is true of the cold file, the month is not changed."""
    temporary.discard_left_behind_of(target)
    problems: list[str] = []
    while any(not is_cold(entry.path) for entry in entries):
        bytes_before = sum(map(_size_of, {entry.path for entry in entries}))
        try:
            with durable.replacing(target) as file:
                cold.write(file, entries, has_versions=has_versions)
        except (cold.UnlikeLedgerError, cold.UnreadableError) as error:
            if isinstance(error, cold.UnreadableError) or error.is_damage:
                problems.append(f"{error}: it is not compacted")
            if is_cold(error.file.path):
                break
            entries = [entry for entry in entries if entry is not error.file]
            continue
        zones.move(engine, entries, path=target, has_versions=has_versions)
        hot = [entry.path for entry in entries if not is_cold(entry.path)]
        for path in hot:
            durable.remove(path)
        return Compacted(
            hot_files=len(hot), cold_files=1, bytes_before=bytes_before, bytes_after=reading.size_of(target),
            problems=tuple(problems),
        )
    return Compacted(problems=tuple(problems))


def _size_of(path: Location) -> int:
    return reading.size_of(path) if reading.exists(path) else 0
