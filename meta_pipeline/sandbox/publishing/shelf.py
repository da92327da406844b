"""The photos and videos of Pages and the containers of accounts, by id, and when accounts and Pages published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from meta_pipeline.sandbox.publishing.containers import Container
from meta_pipeline.sandbox.publishing.rules import DAY
from meta_pipeline.sandbox.publishing.videos import Photo, Video

_PHOTO, _VIDEO, _CONTAINER = 41, 42, 178


@dataclass(kw_only=True)
class PageStory:
    """A story of a Page, which is live for a day."""

    id: str
    page_id: str
    media_id: str
    media_type: str
    created_at: dt.datetime


@dataclass
class Shelf:
    """Photos, videos and containers by id. `published`: when each account published, `reels`: when each Page did."""

    photos: dict[str, Photo] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    stories: list[PageStory] = field(default_factory=list)
    published: dict[str, list[dt.datetime]] = field(default_factory=dict)
    reels: dict[str, list[dt.datetime]] = field(default_factory=dict)
    _last_number: int = 0

    def number(self) -> int:
        """Return the next number, for the id of a new object."""
        self._last_number += 1
        return self._last_number

    def photo_id(self) -> str:
        """Return the id of a new photo."""
        return f"{_PHOTO}{self.number():013d}"

    def video_id(self) -> str:
        """Return the id of a new video."""
        return f"{_VIDEO}{self.number():013d}"

    def container_id(self, account_id: str) -> str:
        """Return the id of a new container of an account."""
        return f"{_CONTAINER}{account_id[-3:]}{self.number():011d}"


def within_a_day(times: dict[str, list[dt.datetime]], node_id: str, now: dt.datetime, since: dt.datetime) -> int:
    """Return how many of a node's times are in the last 24 hours, and not before `since`."""
    return sum(max(since, now - DAY) <= at <= now for at in times.get(node_id, ()))
