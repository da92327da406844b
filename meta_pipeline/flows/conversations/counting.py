"""Rows with which the warehouse counts messages, from unencrypted attributes: nothing is decrypted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from meta_pipeline.sealed.record import Entry
from meta_pipeline.sealed.store import CONVERSATIONS, SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.warehouse.copied.conversations import MessageRow


class CountingRuntime(Protocol):
    """The parts of the process's runtime that counting messages uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def sealed_stores(self) -> Mapping[str, SealedStore]: ...


def message_rows(runtime: CountingRuntime) -> list[MessageRow]:
    """Return a row for each stored message. Without a folder of messages, return none and need no vault key."""
    if not (runtime.settings.root / CONVERSATIONS).is_dir():
        return []
    return [_row(entry) for entry in runtime.sealed_stores[CONVERSATIONS].entries()]


def _row(entry: Entry) -> MessageRow:
    is_from_page = entry.attributes.get("is_from_page")
    return MessageRow(
        page_id=entry.owner, message_id=entry.id, conversation_id=entry.group, written_at=entry.at,
        is_from_page=is_from_page if isinstance(is_from_page, bool) else None,
    )
