"""A record of a text that a person wrote, and its row in a file. Pure."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from meta_pipeline.records import MetaPipelineError
from meta_pipeline.sealed.keyring import Keyring
from meta_pipeline.sealed.people import USER

SCHEMA = pa.schema([
    ("record_id", pa.string()), ("group_id", pa.string()), ("at", pa.timestamp("us", "UTC")),
    ("attributes", pa.string()), ("people", pa.list_(pa.string())), ("key", pa.string()), ("sealed", pa.binary()),
])
Attributes = Mapping[str, str | int | bool | None]
Row = dict[str, Any]
_OWNER, _ID = re.compile(r"[0-9]{1,40}"), re.compile(r"[A-Za-z0-9_.:=$+/-]{1,300}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalRecord:
    """One lead, or one message. `owner`: the Page or Instagram account that it belongs to; `id`: unique for the owner;
    `group`: the form or the conversation; `at`: when the person wrote it, aware UTC; `attributes`: ids, flags and
    figures that marts count. All of these are stored in the clear and must not identify the person; an id always has
    the same `at`.

    `content`: the sealed part, as JSON; `people`: the identifiers of everybody it is about (`people.py`), by which an
    erasure finds it."""

    owner: str
    id: str
    group: str
    at: dt.datetime
    attributes: Attributes = field(default_factory=dict)
    content: Mapping[str, Any] = field(repr=False)
    people: frozenset[str] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        """Raise an error, without the value, for a value that can't name a folder or might be a person's text."""
        words = (self.id, self.group, *(each for each in self.attributes.values() if isinstance(each, str)))
        if not _OWNER.fullmatch(self.owner) or not all(_ID.fullmatch(each) for each in words):
            raise MetaPipelineError("a record of a person has an invalid id: it is not stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The columns of a record that are in the clear. Without `has_content`, its content has expired."""

    owner: str
    id: str
    group: str
    at: dt.datetime
    attributes: Attributes
    has_content: bool


def sealed_row(record: PersonalRecord, keys: Keyring, *, store: str) -> Row:
    """Return the row of a record, sealed under the newest key."""
    row = emptied_row(record)
    plaintext = json.dumps({"people": sorted(record.people), "content": record.content}, sort_keys=True)
    return {
        **row, "people": sorted(keys.digest(each) for each in record.people), "key": keys.newest,
        "sealed": keys.seal(plaintext.encode(), place=_place(store, record.owner, row)),
    }


def emptied_row(record: PersonalRecord) -> Row:
    """Return the row of a record whose content is not stored."""
    return {
        "record_id": record.id, "group_id": record.group, "at": record.at.astimezone(dt.UTC),
        "attributes": json.dumps(record.attributes, sort_keys=True), "people": [], "key": None, "sealed": None,
    }


def opened_row(row: Row, keys: Keyring, *, store: str, owner: str) -> PersonalRecord:
    """Return the record of a row that has a content; raise UnsealedError if the row was changed, or copied from another
    place."""
    opened = json.loads(keys.unseal(row["sealed"], key=row["key"], place=_place(store, owner, row)))
    return PersonalRecord(
        owner=owner, id=row["record_id"], group=row["group_id"], at=row["at"],
        attributes=json.loads(row["attributes"]), content=opened["content"], people=frozenset(opened["people"]),
    )


def texts_in(content: Any) -> Iterator[str]:
    """Yield every text in the content of a record."""
    match content:
        case str():
            yield content
        case Mapping():
            for value in content.values():
                yield from texts_in(value)
        case list() | tuple():
            for value in content:
                yield from texts_in(value)


def writers_of(records: Iterable[PersonalRecord]) -> frozenset[str]:
    """Return the identifiers by which Pages know the people who wrote messages: they find every message of these
    people, even one without an address. Identifiers in messages of a Page are left out: they are of other people."""
    return frozenset(
        identifier for record in records if record.attributes.get("is_from_page") is False
        for identifier in record.people if identifier.startswith(USER)
    )


def entry_of(row: Row, owner: str) -> Entry:
    """Return the columns of a row that are in the clear."""
    return Entry(
        owner=owner, id=row["record_id"], group=row["group_id"], at=row["at"],
        attributes=json.loads(row["attributes"]), has_content=row["key"] is not None,
    )


def _place(store: str, owner: str, row: Row) -> tuple[str, ...]:
    at = row["at"].astimezone(dt.UTC).isoformat()
    return store, owner, row["record_id"], row["group_id"], at, row["attributes"]
