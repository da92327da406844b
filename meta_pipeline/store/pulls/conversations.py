"""The conversations of Pages: when each was read, and how many of its messages Meta returns to no app."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.pulls import loaded_changes
from meta_pipeline.store.schema.pulls import conversations
from meta_pipeline.store.upserts import insert_or_replace

_NAMES = ("page_id", "id", "platform", "updated_at", "message_count", "unreadable", "read_at", "changed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation as it was read last. `updated_at`: Meta's time of its last change; `message_count` and
    `unreadable`: None if Meta does not return them; `changed_at`: when it, or a message of it, last changed here."""

    page_id: str
    id: str
    platform: str
    updated_at: dt.datetime
    message_count: int | None
    unreadable: int | None
    read_at: dt.datetime
    changed_at: dt.datetime


def find(engine: sa.Engine, *, page_id: str | None = None) -> list[Conversation]:
    """Return all conversations, or those of one Page."""
    query = sa.select(*(conversations.c[name] for name in _NAMES)).order_by(conversations.c.page_id, conversations.c.id)
    if page_id is not None:
        query = query.where(conversations.c.page_id == page_id)
    with engine.connect() as connection:
        return [Conversation(**row._mapping) for row in connection.execute(query)]


def save(engine: sa.Engine, read: Sequence[Conversation]) -> None:
    """Insert or replace conversations, in one transaction."""
    insert_or_replace(engine, conversations, [{name: getattr(each, name) for name in _NAMES} for each in read])


def mark_changed(engine: sa.Engine, page_ids: Iterable[str], *, now: dt.datetime) -> None:
    """Record that messages of these Pages changed, in all their conversations."""
    loaded_changes.mark_changed(engine, conversations, page_ids, now=now)


def waiting_changes(engine: sa.Engine) -> list[dt.datetime]:
    """Return the times of the changes that the warehouse does not have."""
    return loaded_changes.waiting_changes(engine, conversations)


def mark_loaded(engine: sa.Engine, loaded: Iterable[Conversation]) -> None:
    """Record that the warehouse has the changes of these conversations, which were read before the load."""
    loaded_changes.mark_loaded(engine, conversations, [
        {"page_id": each.page_id, "id": each.id, "changed_at": each.changed_at} for each in loaded
    ])
