"""Let the next load count leads and messages again, after records of a sealed store were erased or have expired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.sealed.store import CONVERSATIONS, LEADS, SealedStore
from meta_pipeline.store.pulls import conversations, lead_forms


class MarkChanged(Protocol):
    """A function that marks all records of these Pages for the next load."""

    def __call__(self, engine: sa.Engine, page_ids: Iterable[str], *, now: dt.datetime) -> None: ...


_MARK_CHANGED: Mapping[str, MarkChanged] = MappingProxyType({
    LEADS: lead_forms.mark_changed, CONVERSATIONS: conversations.mark_changed,
})


def count_again(store: SealedStore, page_ids: Iterable[str], *, engine: sa.Engine, now: dt.datetime) -> None:
    """Let the next load count the records of these Pages in a store again."""
    _MARK_CHANGED[store.name](engine, page_ids, now=now)


def expire_sealed(
    stores: Iterable[SealedStore], first_days: Mapping[str, dt.date], *, engine: sa.Engine,
    now: Callable[[], dt.datetime],
) -> int:
    """Expire records that are older than their store or their node keeps them; return how many changed."""
    changed = 0
    for store in stores:
        owners = store.owners()
        if count := store.expire(first_days):
            count_again(store, owners, engine=engine, now=now())
        changed += count
    return changed
