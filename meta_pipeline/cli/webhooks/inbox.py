"""`inbox …`: list the changes that Meta has reported, and queue them to be processed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.records import ConfigError
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.inbox import Inbox, Status

COLUMNS = [
    "id", "object", "entry_id", "field", "time", "status", "outcome", "received_at", "processed_at", "attempts",
    "value_digest", "value",
]


def changes(runtime: Runtime, statuses: Sequence[str], *, limit: int | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every change, in the order of arrival; the newest ones with a `limit`."""
    return COLUMNS, [
        (each.id, each.change.object, each.change.entry_id, each.change.field, each.change.time, each.status,
         each.outcome, each.received_at, each.processed_at, each.attempts, each.change.value_digest,
         each.change.value)
        for each in Inbox(runtime.engine).find(statuses=statuses, limit=limit)
    ]


def replay(runtime: Runtime, ids: Sequence[int], statuses: Sequence[Status], *, is_everything: bool) -> str:
    """Queue changes to be processed again, by id, by status, or all of them; return a sentence."""
    if not ids and not statuses and not is_everything:
        raise ConfigError("name what to replay: ids of `meta-pipeline inbox list`, --status, or --all")
    inbox = Inbox(runtime.engine)
    entries = inbox.find(ids=ids, statuses=statuses)
    if missing := sorted(set(ids) - {each.id for each in entries}):
        raise ConfigError(f"the inbox has no change {', '.join(map(str, missing))}: `meta-pipeline inbox list`")
    count = inbox.replay(each.id for each in entries)
    when = "within a minute while `meta-pipeline up` runs"
    return f"{counted(count, 'change')} will be processed again, {when}" if count else "nothing to replay"


def gaps(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every time in which no receiver was up."""
    columns = ["began_at", "ended_at", "lost_until", "read_again_at", "outcome"]
    return columns, [
        (gap.began_at, gap.ended_at, gap.lost_until if gap.loses else None, gap.read_again_at, gap.outcome)
        for gap in receivers.find_gaps(runtime.engine)
    ]
