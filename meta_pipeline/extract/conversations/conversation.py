"""A conversation and its messages as they are read. No I/O, no clock; what people wrote is never in a repr."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.extract.stored_listing import parse_time

_MOST_PEOPLE = 50  # of one conversation or one message; more are not stored
_MOST_TEXT = 20_000  # characters, the length to which a message is stored
# What is stored of a person in a conversation: what Meta's documentation lists (docs/graph-api.md §12).
_PERSON = ("id", "name", "username", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A conversation in a listing. `message_count`: None when Meta does not return it."""

    id: str
    updated_at: dt.datetime
    message_count: int | None
    participants: tuple[Mapping[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that could be read. `is_from_page`: None when Meta does not return who wrote it."""

    id: str
    at: dt.datetime
    is_from_page: bool | None
    text: str = field(repr=False)
    people: tuple[Mapping[str, str], ...] = field(repr=False)


def parse_summary(record: Any) -> Summary | None:
    """Return a listed conversation; None for one without an id or a time."""
    if not isinstance(record, Mapping) or not isinstance(id := record.get("id"), str):
        return None
    updated_at = _time_of(record, "updated_time")
    count = record.get("message_count")
    if updated_at is None:
        return None
    return Summary(
        id=id, updated_at=updated_at, message_count=count if isinstance(count, int) and count >= 0 else None,
        participants=tuple(_people(record.get("participants"))),
    )


def parse_message(record: Any, own_ids: Collection[str]) -> Message | None:
    """Return a message; None for one without an id or a time. `own_ids`: those of the Page and its Instagram
    account."""
    if not isinstance(record, Mapping) or not isinstance(id := record.get("id"), str):
        return None
    if (at := _time_of(record, "created_time")) is None:
        return None
    sender, text = record.get("from"), record.get("message")
    senders = list(_people({"data": [sender]}))
    sender_id = senders[0].get("id") if senders else None
    return Message(
        id=id, at=at, is_from_page=None if sender_id is None else sender_id in own_ids,
        text=text[:_MOST_TEXT] if isinstance(text, str) else "",
        people=tuple(each for each in (*senders, *_people(record.get("to"))) if each.get("id") not in own_ids),
    )


def _time_of(record: Mapping[str, Any], name: str) -> dt.datetime | None:
    text = record.get(name)
    at = parse_time(text) if isinstance(text, str) else None
    return at.astimezone(dt.UTC) if at is not None and at.tzinfo is not None else None


def _people(edge: Any) -> Iterator[Mapping[str, str]]:
    people = edge.get("data") if isinstance(edge, Mapping) else None
    for person in people[:_MOST_PEOPLE] if isinstance(people, list) else ():
        if isinstance(person, Mapping):
            values = {name: person.get(name) for name in _PERSON}
            yield {name: value for name, value in values.items() if isinstance(value, str)}
