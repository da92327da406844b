"""The creatives that ads refer to. A creative that Meta can't answer for is a row with its error; the others come."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meta_pipeline.extract.ads.entities import unreadable, whole
from meta_pipeline.extract.ads.stored_listing import Row, StoredRecord, tell
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import BATCH_LIMIT, GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError, TooMuchDataError, TransientError
from meta_pipeline.graph.paging import Positions
from meta_pipeline.graph.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch

CREATIVES = "creatives"
# What url reports, thumbnails and posts need. Creatives have no `updated_time` (graph-api.md §9).
FIELDS = (
    "id", "account_id", "name", "status", "object_type", "title", "body", "call_to_action_type", "link_url", "url_tags",
    "image_hash", "thumbnail_url", "video_id", "effective_object_story_id", "object_story_spec", "asset_feed_spec",
    "instagram_user_id", "effective_instagram_media_id", "instagram_permalink_url",
)
# `object_story_spec` and `asset_feed_spec` are heavy: peers go down to 10–25 a page (graph-api.md §9, P-AIR). A page
# that is stuck is read by id, an operation each, so it is smaller still.
LARGEST_PAGE, SMALLEST_PAGE = 100, 6


class _Creative(msgspec.Struct):
    id: str = ""


class _Ad(msgspec.Struct):
    creative: _Creative | None = None


_read_ad = msgspec.json.Decoder(_Ad).decode


def referred(ads: Iterable[bytes]) -> set[str]:
    """The ids of the creatives that ads refer to."""
    return {ad.creative.id for record in ads if (ad := _read_ad(record)).creative and ad.creative.id}


def to_read(
    referred: Iterable[str], kept: Mapping[str, StoredRecord], *, is_due: bool, now: dt.datetime, sweep: dt.timedelta
) -> set[str]:
    """The creatives to ask for: what is new; all when a sweep `is_due`, for only so a new name shows. What is deleted
    stays so, and what could not be read is tried again no sooner than after a sweep's time."""

    def is_settled(each: StoredRecord) -> bool:
        if each.told.error:
            return now - each.batch.fetched_at < sweep
        return each.told.is_deleted or not is_due

    return {id for id in referred if id not in kept or not is_settled(kept[id])}


@dataclass(frozen=True, slots=True)
class Page:
    """The next page of the edge; of `is_light` ones only the ids."""

    limit: int
    after: str | None
    is_light: bool = False


@dataclass(frozen=True, slots=True)
class ById:
    """These, many in one HTTP call, each charged and answered on its own."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a reading of creatives stands: those still `wanted`, the page to ask for and how far it may grow again,
    how many pages in a row held nothing wanted, whether one of the smallest is stuck, what of it is to be read by id,
    and whether the edge has nothing more to give."""

    wanted: frozenset[str]
    limit: int = LARGEST_PAGE
    after: str | None = None
    ceiling: int = LARGEST_PAGE
    barren: int = 0
    is_stuck: bool = False
    aside: frozenset[str] = frozenset()
    is_over: bool = False

    def next_step(self) -> Page | ById | None:
        """What is cheapest now. The edge holds the whole library of an account, of which ads refer to a part: a page
        costs one call, an id one operation, so pages are read while fewer were in vain than ids are left."""
        if self.aside:
            return ById(tuple(sorted(self.aside)))
        if not self.wanted:
            return None
        if self.is_over or len(self.wanted) <= self.barren + 1:
            return ById(tuple(sorted(self.wanted)))
        return Page(self.limit, self.after, self.is_stuck)

    def came(self, step: Page | ById, ids: Iterable[str], after: str | None = None) -> Reading:
        """These came, and the next page follows `after`. Those of a light page are read by id, and on it goes."""
        found = self.wanted & set(ids)
        if isinstance(step, ById):
            return dataclasses.replace(self, wanted=self.wanted - found, aside=frozenset())
        on = dataclasses.replace(self, after=after, barren=0 if found else self.barren + 1, is_over=after is None)
        if step.is_light:
            return dataclasses.replace(on, aside=found, is_stuck=False, ceiling=LARGEST_PAGE)
        return dataclasses.replace(on, wanted=self.wanted - found, limit=min(self.ceiling, self.limit * 2))

    def failed(self, error: GraphError) -> Reading:
        """On the page is a creative that Meta can't answer for, or it is too much at once: half of it, and if it was
        too much, no more than that again. The smallest page is passed by its ids alone, which say as well where it
        ends; if not even they come, everything left is read by id. What was tried four times as trouble that passes is
        not halved step by step."""
        if self.is_stuck:
            return dataclasses.replace(self, is_over=True)
        if self.limit <= SMALLEST_PAGE:
            return dataclasses.replace(self, is_stuck=True)
        half = SMALLEST_PAGE if isinstance(error, TransientError) else max(SMALLEST_PAGE, self.limit // 2)
        ceiling = half if isinstance(error, TooMuchDataError) else self.ceiling
        return dataclasses.replace(self, limit=half, ceiling=ceiling)


def read(node_id: str, wanted: Iterable[str], *, graph: GraphClient, token: AccessToken) -> Iterator[Row]:
    """The creatives wanted, each once: as Graph gave it, or a row with its error."""
    reading, positions = Reading(frozenset(wanted)), Positions()
    while (step := reading.next_step()) is not None:
        if isinstance(step, ById):
            yield from _by_id(step.ids, graph=graph, token=token)
            reading = reading.came(step, step.ids)
            continue
        fields = ("id",) if step.is_light else FIELDS
        request: dict[str, Any] = {"fields": list(fields), "limit": step.limit, "after": step.after}
        try:
            answer = graph.get(f"{node_id}/adcreatives", request, token=token, kind=CallKind.AD_OBJECTS)
        except GraphError as error:
            if not (isinstance(error, RequestError) or is_of_one(error)):
                raise
            reading = reading.failed(error)
            continue
        page = answer.page
        batch = Batch(records=(), trace_id=answer.trace_id, version=answer.version, fetched_at=answer.fetched_at)
        found = {tell(bytes(raw)).id: bytes(raw) for raw in page.data}
        if not step.is_light:
            yield from ((record, batch) for id, record in found.items() if id in reading.wanted)
        following = page.following()
        positions.move(following, rows=step.limit, is_empty=not page.data)
        reading = reading.came(step, found, following.get("after") if following else None)


def _by_id(ids: Iterable[str], *, graph: GraphClient, token: AccessToken) -> Iterator[Row]:
    """By their ids, as many at once as a batch takes. One that stays in trouble uses up the tries of its batch: what
    was not reached for that is asked again, as long as anything came."""
    left = list(ids)
    while left:
        some, left = left[:BATCH_LIMIT], left[BATCH_LIMIT:]
        asked = [Operation(id, {"fields": list(FIELDS)}, CallKind.AD_OBJECTS) for id in some]
        missed: list[str] = []
        for id, answer in zip(some, graph.batch(asked, token=token), strict=True):
            if isinstance(answer, GraphResponse):
                yield whole(answer)
            elif isinstance(answer, TransientError) and answer.code is None:
                missed.append(id)
                unanswered = answer
            elif isinstance(answer, RequestError | ScopeError) or is_of_one(answer):
                yield unreadable(id, answer, graph)
            else:
                raise answer
        if len(missed) == len(some):
            raise unanswered
        left = missed + left


def is_of_one(error: GraphError) -> bool:
    """Whether one creative may be the reason: too much of it, or trouble of Graph's own (1, 2) that did not pass. No
    answer at all is nobody's."""
    return isinstance(error, TooMuchDataError) or (isinstance(error, TransientError) and error.code in (1, 2))
