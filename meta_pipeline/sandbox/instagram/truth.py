"""The exact truth of Instagram: what a perfect client could have read at an instant, as flat records.

`GET /_sandbox/truth/instagram?since=&until=[&at=]`, Pacific days inclusive, `at` an instant (now without it). The lists
may be restricted with `instagram_account_id`, `metrics` and `records` (comma lists; `records` are names of the lists).

- `account_insights`: `{instagram_account_id, day, metric, breakdown, breakdown_values, value}` for every Pacific day
  from `since` to `until`. `breakdown` is empty, or the row's breakdowns separated by commas, and `breakdown_values` has
  the value of each. `value` is an integer; for `online_followers` an object by hour. What Meta leaves out is absent.
- `demographics`: `{instagram_account_id, metric, timeframe, dimensions, value}` at the instant, for every combination
  of dimensions. `dimensions` has all four names, null for one that is not in the combination; `timeframe` is empty for
  followers.
- `media`: `instagram_account_id`, `media_id`, `is_edited`, `is_deleted`, `deleted_at` (null if it is not deleted) and
  the fields of every media object published until the instant; those of a deleted one as they were at its last instant.
- `media_insights`: `{media_id, metric, breakdown, breakdown_value, value}` of the media that can be read at the
  instant; `breakdown` is empty for the value itself.
- `stories`: `instagram_account_id`, `media_id`, `ended_at` (null while it is live), `has_insights` (false with too few
  viewers) and the fields of every story published from `since` to `until`.
- `story_insights`: as `media_insights`, at the instant or at the last moment at which the story was live. A story's
  values change when its age reaches another whole hour, so the last of them can be read during its last hour.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from meta_pipeline.sandbox.instagram.account_insights import account_metrics
from meta_pipeline.sandbox.instagram.account_metrics import ACCOUNT_METRICS, DEMOGRAPHIC_DIMENSIONS, TIMEFRAMES
from meta_pipeline.sandbox.instagram.edges import InstagramEdges, media_counts
from meta_pipeline.sandbox.instagram.media import Media
from meta_pipeline.sandbox.instagram.media_values import MEDIA_METRICS
from meta_pipeline.sandbox.metrics.lives import is_retired
from meta_pipeline.sandbox.metrics.pacific import end_of, graph_time, pacific_day
from meta_pipeline.sandbox.metrics.truth_query import TruthQuery
from meta_pipeline.sandbox.world.entities import Page

Record = dict[str, Any]


def instagram_truth(query: TruthQuery, instagram: InstagramEdges) -> dict[str, list[Record]]:
    """Return the records of the accounts by their kind; raise ValueError for a kind that does not exist."""
    if unknown := query.listed("records") - set(_RECORDS):
        raise ValueError(f"no such records: {', '.join(sorted(unknown))}")
    truth = _Truth(query, instagram)
    pages = [
        page for page in instagram.world.pages.values() if query.includes("instagram_account_id", page.instagram_id)
    ]
    return {
        name: [row for page in pages for row in read(truth, page)]
        for name, read in _RECORDS.items() if query.includes("records", name)
    }


class _Truth:
    """The records of one account at a time, at the instant `at`."""

    def __init__(self, query: TruthQuery, instagram: InstagramEdges) -> None:
        self.instagram, self.query = instagram, query
        self.since, self.until, self.at = query.since, query.until, query.at
        self.options = instagram.world.options

    def account_insights(self, page: Page) -> Iterator[Record]:
        """Yield the values of every finished day, by metric and by every selection of its breakdowns."""
        for name, metric in account_metrics(self.options).items():
            if self._is_absent(page, name) or name in ("follower_demographics", "engaged_audience_demographics"):
                continue
            first = pacific_day(self.at) - dt.timedelta(days=metric.recent_days) if metric.recent_days else dt.date.min
            for day in self.query.days:
                if day >= first and end_of(day) <= self.at:
                    yield from self._day_rows(page, name, metric.breakdowns, day)

    def _day_rows(self, page: Page, name: str, own: tuple[str, ...], day: dt.date) -> Iterator[Record]:
        values, account_id = self.instagram.values, page.instagram_id
        row = {"instagram_account_id": account_id, "day": day.isoformat(), "metric": name}
        plain = {**row, "breakdown": "", "breakdown_values": {}}
        if name == "online_followers":
            if values.is_ready(name, day, self.at):
                yield {**plain, "value": values.online_followers(page, day)}
            return
        if name != "follows_and_unfollows" and (value := values.total(account_id, name, [day], self.at)) is not None:
            yield {**plain, "value": value}
        for breakdowns in _selections(own):
            cells = (
                values.follow_changes(account_id, [day], self.at) if name == "follows_and_unfollows"
                else values.breakdown(account_id, name, breakdowns, [day], self.at)
            )
            for cell, value in cells.items():
                selected = dict(zip(breakdowns, cell, strict=True))
                yield {**row, "breakdown": ",".join(breakdowns), "breakdown_values": selected, "value": value}

    def demographics(self, page: Page) -> Iterator[Record]:
        """Yield the entries of every combination of dimensions."""
        requests = [("follower_demographics", "")]
        requests += [("engaged_audience_demographics", timeframe) for timeframe in TIMEFRAMES]
        for metric, timeframe in requests:
            if self._is_absent(page, metric):
                continue
            for dimensions in _selections(DEMOGRAPHIC_DIMENSIONS):
                entries = self.instagram.demographics.entries(page, metric, dimensions, self.at, timeframe=timeframe)
                for cell, value in entries.items():
                    yield {
                        "instagram_account_id": page.instagram_id, "metric": metric, "timeframe": timeframe,
                        "dimensions": dict.fromkeys(DEMOGRAPHIC_DIMENSIONS) | dict(zip(dimensions, cell, strict=True)),
                        "value": value,
                    }

    def media(self, page: Page) -> Iterator[Record]:
        """Yield the media of the feed, deleted ones included."""
        for media in self.instagram.library.published(page, self.at):
            is_deleted = not media.exists(self.at)
            deleted_at = graph_time(media.ended_at) if is_deleted and media.ended_at else None
            is_edited = media.is_edited(self._last_instant(media))
            yield {
                **self._fields(media), "is_edited": is_edited, "is_deleted": is_deleted, "deleted_at": deleted_at
            }

    def media_insights(self, page: Page) -> Iterator[Record]:
        """Yield the lifetime values of the media that can be read."""
        for media in self.instagram.library.published(page, self.at):
            if media.exists(self.at):
                yield from self._insights(media)

    def stories(self, page: Page) -> Iterator[Record]:
        """Yield the stories of the days."""
        for story in self._stories(page):
            ended_at = graph_time(story.ended_at) if story.ended_at and not story.exists(self.at) else None
            yield {**self._fields(story), "ended_at": ended_at, "has_insights": self._has_enough_viewers(story)}

    def story_insights(self, page: Page) -> Iterator[Record]:
        """Yield the last values of the stories of the days that enough people viewed."""
        for story in self._stories(page):
            if self._has_enough_viewers(story):
                yield from self._insights(story)

    def _stories(self, page: Page) -> list[Media]:
        return self.instagram.library.stories(page, self.since, self.until, self.at)

    def _has_enough_viewers(self, story: Media) -> bool:
        return self.instagram.media_values.has_enough_viewers(story, self._last_instant(story))

    def _last_instant(self, media: Media) -> dt.datetime:
        """Return the last instant until now at which the media object could be read."""
        return self.at if media.ended_at is None else min(self.at, media.ended_at - dt.timedelta(seconds=1))

    def _fields(self, media: Media) -> Record:
        at = self._last_instant(media)
        fields = self.instagram.library.fields(media, at)
        counts = media_counts(self.instagram.media_values.values(media, at))
        return {"instagram_account_id": media.page.instagram_id, "media_id": media.id, **fields, **counts, "children": [
            child.id for child in self.instagram.library.children(media)
        ]}

    def _insights(self, media: Media) -> Iterator[Record]:
        media_values = self.instagram.media_values
        for name, value in media_values.values(media, self.at).items():
            if not self._is_wanted(name) or is_retired(name, self.options, self._last_instant(media)):
                continue
            row = {"media_id": media.id, "metric": name}
            yield {**row, "breakdown": "", "breakdown_value": "", "value": value}
            own = (MEDIA_METRICS[name].breakdowns or {}) if name in MEDIA_METRICS else {}
            for breakdown in own:
                for key, part in media_values.breakdown(media, name, breakdown, int(value)).items():
                    yield {**row, "breakdown": breakdown, "breakdown_value": key, "value": part}

    def _is_absent(self, page: Page, name: str) -> bool:
        """Check whether the account has no such records: its metric is not requested or retired, or it is too small."""
        is_small = page.instagram_id in self.options.small_instagram
        needs_followers = name in ACCOUNT_METRICS and ACCOUNT_METRICS[name].needs_followers
        return (
            not self._is_wanted(name) or is_retired(name, self.options, self.at) or (is_small and needs_followers)
        )

    def _is_wanted(self, name: str) -> bool:
        return self.query.includes("metrics", name)


_RECORDS: dict[str, Callable[[_Truth, Page], Iterator[Record]]] = {
    "account_insights": _Truth.account_insights, "demographics": _Truth.demographics, "media": _Truth.media,
    "media_insights": _Truth.media_insights, "stories": _Truth.stories, "story_insights": _Truth.story_insights,
}


def _selections(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield every selection of at least one of the names, in their order."""
    return itertools.chain.from_iterable(
        itertools.combinations(names, size) for size in range(1, len(names) + 1)
    )
