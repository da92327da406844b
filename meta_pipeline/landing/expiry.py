"""Expire landed days: a hot file is removed, a cold file is rewritten without its expired days.

A hot file is removed after its entry in the ledger, so that a kill leaves an orphan, which the next compaction removes.
A new cold file is in place before the entries of its expired days are removed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.files import durable, temporary
from meta_pipeline.files.locations import is_cold
from meta_pipeline.landing import cold
from meta_pipeline.store.landed import zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The result: days and earlier versions that expired, files that were removed or rewritten, and a sentence for
    every month that is not changed because its file is damaged or unreadable."""

    days: int = 0
    versions: int = 0
    files: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: Expired) -> Expired:
        names = [field.name for field in dataclasses.fields(self)]
        return Expired(**{name: getattr(self, name) + getattr(other, name) for name in names})


def expire_node(engine: sa.Engine, node_id: str, *, before: dt.date) -> Expired:
    """Expire a node's days before this one, with their earlier versions, and versions of listings that were replaced
    before. The caller holds the node's lease and `zones.FILES_LEASE`."""
    total = Expired()
    for has_versions in (False, True):
        expired = zones.find_before(engine, node_id=node_id, before=before, has_versions=has_versions)
        for path in dict.fromkeys(entry.path for entry in expired):
            of_file = [entry for entry in expired if entry.path == path]
            remaining = [
                entry for entry in zones.find_in_file(engine, path, has_versions=has_versions) if entry not in of_file
            ]
            if is_cold(path) and remaining:
                temporary.discard_left_behind_of(path)
                try:
                    with durable.replacing(path) as file:
                        cold.write(file, remaining, has_versions=has_versions)
                except (cold.UnlikeLedgerError, cold.UnreadableError) as error:
                    total += Expired(problems=(f"{error}: its expired days stay",))
                    continue
            zones.remove_entries(engine, of_file, has_versions=has_versions)
            if not remaining:
                durable.remove(path)
            count = len(of_file)
            total += Expired(days=0 if has_versions else count, versions=count if has_versions else 0, files=1)
    return total
