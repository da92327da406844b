"""Conversations and their messages in the warehouse, copied whole: time and side of each message, without persons and
texts (docs/decisions/0082)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import sqlalchemy as sa

from meta_pipeline.store.pulls import conversations
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.copied.page_rows import replace_page_rows
from meta_pipeline.warehouse.tables import CONVERSATION_COLUMNS, CONVERSATIONS_SCHEMA, MESSAGE_COLUMNS
from meta_pipeline.warehouse.transactions import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """The fields of a message that are counted. `is_from_page`: None if Meta does not return the author."""

    page_id: str
    message_id: str
    conversation_id: str
    written_at: dt.datetime
    is_from_page: bool | None


ReadMessages = Callable[[], Sequence[MessageRow]]


def no_messages() -> Sequence[MessageRow]:
    """Return no messages, for a warehouse without any."""
    return ()


def replace_conversations(
    connection: duckdb.DuckDBPyConnection, engine: sa.Engine, read_messages: ReadMessages, *, log: ChangeLog,
    is_whole: bool,
) -> list[conversations.Conversation]:
    """Replace the conversations and messages if any has changed since the last load, or when the load `is_whole`;
    return the conversations whose changes are then in the file."""
    if not (is_whole or conversations.waiting_changes(engine)):
        return []
    stored = conversations.find(engine)  # read before the messages: later changes wait for the next load
    messages = [tuple(getattr(message, name) for name in MESSAGE_COLUMNS) for message in read_messages()]
    rows = [
        (each.page_id, each.id, each.platform, each.updated_at, each.message_count, each.unreadable, each.read_at)
        for each in stored
    ]
    with transaction(connection, "the conversations"):
        replace_page_rows(connection, CONVERSATIONS_SCHEMA, "messages", MESSAGE_COLUMNS, messages, log=log)
        replace_page_rows(connection, CONVERSATIONS_SCHEMA, "conversations", CONVERSATION_COLUMNS, rows, log=log)
    return stored
