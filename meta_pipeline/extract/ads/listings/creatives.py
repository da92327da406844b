"""Read the creatives that ads refer to. A creative that Meta can't return is a row with its error; the others are
read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import msgspec

from meta_pipeline.entity_kinds import CREATIVES
from meta_pipeline.extract.ads.listings.entities import error_row, row_of
from meta_pipeline.extract.stored_listing import Row, StoredRecord, summarize
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import BATCH_LIMIT, GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError, TooMuchDataError, TransientError
from meta_pipeline.graph.responses.paging import Positions
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch

# The parameters of a request for creatives. Their digest shows whether a sweep covered the same fields.
REQUEST: Mapping[str, Any] = {"fields": list(CREATIVES.fields)}
# `object_story_spec` and `asset_feed_spec` are large: other projects go down to 10–25 a page (docs/graph-api.md §9,
# P-AIR). A page that fails at the smallest size is read by id, one operation each, so that size is even smaller.
LARGEST_PAGE, SMALLEST_PAGE = 100, 6


class _Creative(msgspec.Struct):
    id: str = ""


class _Ad(msgspec.Struct):
    creative: _Creative | None = None


_read_ad = msgspec.json.Decoder(_Ad).decode


def referenced_ids(ads: Iterable[bytes]) -> set[str]:
    """Return the ids of the creatives that ads refer to."""
    return {ad.creative.id for record in ads if (ad := _read_ad(record)).creative and ad.creative.id}


def ids_to_read(
    referenced: Iterable[str],
    stored: Mapping[str, StoredRecord],
    *,
    is_due: bool,
    now: dt.datetime,
    sweep: dt.timedelta,
) -> set[str]:
    """Return the creatives to request: new ones, and all when a sweep `is_due`, because only a sweep shows a changed
    name. Deleted ones stay deleted. One that could not be read is tried again after the time between two sweeps at the
    earliest."""

    def is_settled(each: StoredRecord) -> bool:
        if each.summary.error:
            return now - each.batch.fetched_at < sweep
        return each.summary.is_deleted or not is_due

    return {id for id in referenced if id not in stored or not is_settled(stored[id])}


@dataclass(frozen=True, slots=True)
class Page:
    """Request the next page of the edge; with `is_light`, only the ids."""

    limit: int
    after: str | None
    is_light: bool = False


@dataclass(frozen=True, slots=True)
class ById:
    """Request these ids, many in one HTTP call, each charged and answered on its own."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreativeScan:
    """The state of reading an account's creatives: those still `wanted`, the page to request and how far it may grow
    again (`ceiling`), how many pages in a row had nothing wanted (`barren`), whether a page of the smallest size failed
    (`is_stuck`), its ids that are to be read one by one (`set_aside`), and whether the edge has nothing more
    (`is_over`)."""

    wanted: frozenset[str]
    _: KW_ONLY
    limit: int = LARGEST_PAGE
    after: str | None = None
    ceiling: int = LARGEST_PAGE
    barren: int = 0
    is_stuck: bool = False
    set_aside: frozenset[str] = frozenset()
    is_over: bool = False

    def next_step(self) -> Page | ById | None:
        """Return the cheapest next step. The edge lists the whole library of an account, and ads refer to a part of it.
        A page costs one call and an id one operation, so pages are read until as many in a row were useless as ids are
        left."""
        if self.set_aside:
            return ById(tuple(sorted(self.set_aside)))
        if not self.wanted:
            return None
        if self.is_over or len(self.wanted) <= self.barren + 1:
            return ById(tuple(sorted(self.wanted)))
        return Page(self.limit, self.after, self.is_stuck)

    def after_answer(self, step: Page | ById, ids: Iterable[str], after: str | None = None) -> CreativeScan:
        """Return the state after a step returned `ids`; the next page follows the cursor `after`. The ids of a light
        page are read one by one next."""
        read = self.wanted & set(ids)
        if isinstance(step, ById):
            return dataclasses.replace(self, wanted=self.wanted - read, set_aside=frozenset())
        moved = dataclasses.replace(self, after=after, barren=0 if read else self.barren + 1, is_over=after is None)
        if step.is_light:
            return dataclasses.replace(moved, set_aside=read, is_stuck=False, ceiling=LARGEST_PAGE)
        return dataclasses.replace(moved, wanted=self.wanted - read, limit=min(self.ceiling, self.limit * 2))

    def after_error(self, error: GraphError) -> CreativeScan:
        """Return the state after a page failed: Meta can't return a creative on it, or it was too much data. The next
        page has half its size; after too much data, pages don't grow beyond that. A page of the smallest size is
        requested with only the ids, which also return the next cursor; when this fails too, everything left is read by
        id. A transient error was retried before, so the smallest page follows directly."""
        if self.is_stuck:
            return dataclasses.replace(self, is_over=True)
        if self.limit <= SMALLEST_PAGE:
            return dataclasses.replace(self, is_stuck=True)
        half = SMALLEST_PAGE if isinstance(error, TransientError) else max(SMALLEST_PAGE, self.limit // 2)
        ceiling = half if isinstance(error, TooMuchDataError) else self.ceiling
        return dataclasses.replace(self, limit=half, ceiling=ceiling)


def read_creatives(node_id: str, wanted: Iterable[str], *, graph: GraphClient, token: AccessToken) -> Iterator[Row]:
    """Read the wanted creatives, each once: as Graph returned it, or as a row with its error."""
    scan, positions = CreativeScan(frozenset(wanted)), Positions()
    while (step := scan.next_step()) is not None:
        if isinstance(step, ById):
            yield from _by_id(step.ids, graph=graph, token=token)
            scan = scan.after_answer(step, step.ids)
            continue
        fields = ("id",) if step.is_light else CREATIVES.fields
        request: dict[str, Any] = {"fields": list(fields), "limit": step.limit, "after": step.after}
        try:
            answer = graph.get(f"{node_id}/{CREATIVES.edge}", request, token=token, kind=CallKind.AD_OBJECTS)
        except GraphError as error:
            if not (isinstance(error, RequestError) or may_concern_one_creative(error)):
                raise
            scan = scan.after_error(error)
            continue
        page = answer.page
        batch = Batch(records=(), trace_id=answer.trace_id, version=answer.version, fetched_at=answer.fetched_at)
        records = {summarize(bytes(raw)).id: bytes(raw) for raw in page.data}
        if not step.is_light:
            yield from ((record, batch) for id, record in records.items() if id in scan.wanted)
        following = page.following()
        positions.move(following, rows=step.limit, is_empty=not page.data)
        scan = scan.after_answer(step, records, following.get("after") if following else None)


def _by_id(ids: Iterable[str], *, graph: GraphClient, token: AccessToken) -> Iterator[Row]:
    """Read creatives by their ids, a full batch at a time. A creative that keeps failing uses up the tries of its
    batch, so ids without an answer are requested again as long as any other id was answered."""
    left = list(ids)
    while left:
        batch_ids, left = left[:BATCH_LIMIT], left[BATCH_LIMIT:]
        operations = [Operation(id, {"fields": list(CREATIVES.fields)}, CallKind.AD_OBJECTS) for id in batch_ids]
        unanswered: list[str] = []
        for id, answer in zip(batch_ids, graph.batch(operations, token=token), strict=True):
            if isinstance(answer, GraphResponse):
                yield row_of(answer)
            elif isinstance(answer, TransientError) and answer.code is None:
                unanswered.append(id)
                no_answer = answer
            elif isinstance(answer, RequestError | ScopeError) or may_concern_one_creative(answer):
                yield error_row(id, answer, graph)
            else:
                raise answer
        if len(unanswered) == len(batch_ids):
            raise no_answer
        left = unanswered + left


def may_concern_one_creative(error: GraphError) -> bool:
    """Check that one creative may be the cause: it is too much data, or Graph's own error (1, 2) persists after
    retries. A missing answer is not about one creative."""
    return isinstance(error, TooMuchDataError) or (isinstance(error, TransientError) and error.code in (1, 2))
