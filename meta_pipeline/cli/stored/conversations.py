"""`conversations …`: read the conversations of Pages, and list them without what people wrote."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.display import printable
from meta_pipeline.flows.conversations import reading
from meta_pipeline.flows.conversations.pulling import ConversationPull
from meta_pipeline.sealed.store import CONVERSATIONS
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.pulls import conversations

COLUMNS = [
    "page_id", "page", "platform", "conversation_id", "updated_at", "messages", "stored", "unreadable", "read_at",
]


def pull(runtime: Runtime, page_ids: Collection[str]) -> list[ConversationPull]:
    """Read the conversations of these Pages, or of all that are read daily."""
    return reading.pull_conversations(runtime, page_ids=page_ids)


def as_json(result: ConversationPull) -> dict[str, Any]:
    """Return a result as JSON values."""
    return dataclasses.asdict(result)


def sentences_of(pulls: Sequence[ConversationPull]) -> Iterator[str]:
    """Yield what was read of each Page."""
    for each in pulls:
        older = f"; {counted(each.unreadable, 'older message')} can't be read by any app" if each.unreadable else ""
        yield (
            f"{printable(each.name, limit=100)} ({each.page_id}): {counted(each.messages, 'new message')} in "
            f"{counted(each.conversations, 'conversation')} that changed{older}"
        )
    if not pulls:
        yield "no Page is read: `meta-pipeline nodes list`"


def conversations_of(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every conversation, the one that changed last at the end; nothing is decrypted."""
    reading.require(runtime)
    names = {link.id: link.name for link in list_links(runtime.engine)}
    stored = Counter((entry.owner, entry.group) for entry in runtime.sealed_stores[CONVERSATIONS].entries())
    listed = sorted(conversations.find(runtime.engine), key=lambda each: (each.updated_at, each.id))
    return COLUMNS, [
        (each.page_id, names.get(each.page_id, ""), each.platform, each.id, each.updated_at, each.message_count,
         stored[each.page_id, each.id], each.unreadable, each.read_at)
        for each in listed
    ]
