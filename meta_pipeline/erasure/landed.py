"""Erase landed files: remove those of erased nodes, and erase people from the files of nodes that stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from meta_pipeline.erasure.mentions import ERASED, Mentions
from meta_pipeline.files import durable, listing, reading
from meta_pipeline.files.locations import Location, join
from meta_pipeline.files.removal import remove_folder
from meta_pipeline.landing.changed_payloads import change_payloads
from meta_pipeline.landing.file import payloads_of
from meta_pipeline.store.landed import zones

# Reports whose records name people, and the fields that do: an id and the name beside it (docs/decisions/0050).
NAMING_PEOPLE = {"account_activities": ("actor_id", "actor_name")}
THUMBNAILS = "thumbnails"


def remove_nodes(root: Location, nodes: Iterable[str]) -> int:
    """Remove every landed file of these nodes; return their number."""
    reports = listing.folders_in(root)
    return sum(remove_folder(join(root, report, node_id)) for node_id in nodes for report in reports)


def pictures_of(root: Location, nodes: Iterable[str]) -> list[str]:
    """Return the thumbnails, as paths under the landing, that only creatives of these nodes have."""
    nodes = set(nodes)
    own, others = set[str](), set[str]()
    for node_id in listing.folders_in(join(root, THUMBNAILS)):
        (own if node_id in nodes else others).update(_pictures(join(root, THUMBNAILS, node_id)))
    return sorted(own - others)


def remove_pictures(root: Location, paths: Iterable[str]) -> int:
    """Remove these thumbnails; return the number of those that were there."""
    count = 0
    for path in paths:
        count += reading.exists(join(root, path))
        durable.remove(join(root, path))
    return count


def names_of_people(root: Location, people: Iterable[str]) -> set[str]:
    """Return the names that landed records have beside the ids of these people."""
    people, names = set(people), set[str]()
    for report, (id_field, name_field) in NAMING_PEOPLE.items():
        for payload in _payloads_below(join(root, report)):
            record: dict[str, Any] = json.loads(payload) if any(each in payload for each in people) else {}
            if str(record.get(id_field)) in people and isinstance(record.get(name_field), str):
                names.add(record[name_field])
    return names


def erase_people(engine: sa.Engine, people: Mentions, nodes: Iterable[str]) -> int:
    """Erase people from the records of these nodes, which stay; return the number of records."""
    count = 0
    for report in NAMING_PEOPLE:
        for node_id in nodes:
            for has_versions in (False, True):
                entries = zones.entries_in_files(engine, node_id=node_id, report=report, has_versions=has_versions)
                for location, of_file in entries.items():
                    count += change_payloads(
                        engine, location, of_file, is_changed=people.is_in, change=without(people, report),
                        has_versions=has_versions,
                    )
    return count


def without(people: Mentions, report: str) -> Any:
    """Return a function that erases people from a record of a report: their ids, and the names beside them."""
    id_field, name_field = NAMING_PEOPLE[report]

    def erase(payload: str) -> str:
        record: dict[str, Any] = json.loads(payload)
        if people.is_in(str(record.get(id_field))):
            record[name_field] = ERASED
        return json.dumps(people.without_in(record), ensure_ascii=False, separators=(",", ":"))

    return erase


def _pictures(folder: Location) -> Iterator[str]:
    for payload in _payloads_below(folder):
        if isinstance(path := json.loads(payload).get("path"), str) and path.startswith(f"{THUMBNAILS}/"):
            yield path


def _payloads_below(folder: Location) -> Iterator[str]:
    """Yield the records of every landed file under the folder of a report or of a node."""
    for name in listing.folders_in(folder):
        yield from _payloads_below(join(folder, name))
    for file in listing.files_in(folder):
        if file.location.endswith(".parquet"):
            yield from payloads_of(file.location)
