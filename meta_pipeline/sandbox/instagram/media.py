"""The media and stories of Instagram accounts: when they exist, and their fields (docs/graph-api.md §3.4).

Some media are deleted and some captions edited later. A story is live for 24 hours and can't be read afterwards.
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
import functools
import re
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.metrics.growth import publication_times
from meta_pipeline.sandbox.metrics.pacific import end_of, graph_time, pacific_day, start_of
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World

STORY_LIFE = dt.timedelta(hours=24)
# Kinds of media, which decide the metrics: the type in the feed, or the product.
IMAGE, CAROUSEL, VIDEO, REELS, STORY = "IMAGE", "CAROUSEL_ALBUM", "VIDEO", "REELS", "STORY"
CAROUSEL_CHILD = "CAROUSEL_CHILD"
_FEED_KINDS = (*[IMAGE] * 7, *[CAROUSEL] * 5, *[REELS] * 6, *[VIDEO] * 2)
_TOPICS = ("Behind the scenes", "New in store", "How it is made", "Weekend plans ☕", "Meet the team", "Your questions")
_ID = re.compile(r"179(\d{3})([012])(\d{10})")
_MEDIUM, _STORY, _CHILD = "0", "1", "2"
_CHILDREN_OF_CAROUSEL = 3
_STORIES_PER_DAY_MAX = 100
_FIRST_SUBMITTED = 900_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Media that an app published. `videos_in_carousel`: for each child, whether it is a video."""

    page: Page
    kind: str
    published_at: dt.datetime
    caption: str | None = None
    is_video: bool = False
    is_ai_generated: bool = False
    videos_in_carousel: tuple[bool, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A media object of an account: one of its feed, a reel, a story, or a child of a carousel.

    `ended_at` is when a story ends, or when a media object is deleted; None for one that stays. `publication`: set if
    an app published it.
    """

    id: str
    page: Page
    kind: str
    published_at: dt.datetime
    edited_at: dt.datetime | None = None
    edited_caption: str | None = None
    ended_at: dt.datetime | None = None
    parent_id: str | None = None
    publication: Publication | None = None

    def exists(self, now: dt.datetime) -> bool:
        """Check whether the media object is published, and neither deleted nor an ended story."""
        return self.published_at <= now and (self.ended_at is None or now < self.ended_at)

    def is_edited(self, now: dt.datetime) -> bool:
        """Check whether the caption was edited before a moment."""
        return self.edited_at is not None and self.edited_at <= now


class MediaLibrary:
    """The media of every account of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._changes: dict[str, dict[str, Any]] = {}
        self._submitted: dict[str, Media] = {}
        self._times = functools.lru_cache(maxsize=256)(self._publication_times)

    def published(self, page: Page, now: dt.datetime) -> list[Media]:
        """Return the media ever published in an account's feed, deleted ones included, newest first."""
        times = self._times(page.instagram_id, self.world.options.media_per_account, pacific_day(now))
        count = bisect.bisect_right(times, now)
        media = [self._feed_media(page, number, times[number]) for number in reversed(range(count))]
        return self._with_submitted(media, page, now, is_story=False)

    def stories(self, page: Page, since: dt.date, until: dt.date, now: dt.datetime) -> list[Media]:
        """Return the stories published on these Pacific days until now, ended ones included, newest first."""
        days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
        per_day = min(_STORIES_PER_DAY_MAX, self.world.options.stories_per_day)
        stories = [self._story(page, day, number, per_day) for day in days for number in range(per_day)]
        published = [story for story in reversed(stories) if story.published_at <= now]
        submitted = self._with_submitted([], page, now, is_story=True)
        return _newest_first([*(story for story in submitted if pacific_day(story.published_at) in days), *published])

    def live_stories(self, page: Page, now: dt.datetime) -> list[Media]:
        """Return the stories that are live, newest first."""
        today = pacific_day(now)
        return [story for story in self.stories(page, today - dt.timedelta(days=1), today, now) if story.exists(now)]

    def page_of(self, node_id: str) -> Page | None:
        """Return the Page of the account that a media id belongs to, whether or not such media exist."""
        match = _ID.fullmatch(node_id)
        pages = self.world.pages.values()
        return next((page for page in pages if match and page.instagram_id.endswith(match[1])), None)

    def find(self, node_id: str, now: dt.datetime) -> Media | None:
        """Return the media object with an id if it can be read now."""
        if (match := _ID.fullmatch(node_id)) is None or (page := self.page_of(node_id)) is None:
            return None
        kind, digits = match[2], int(match[3])
        if (submitted := self._find_submitted(node_id)) is not None:
            return submitted if submitted.exists(now) else None
        if kind == _STORY:
            ordinal = digits // _STORIES_PER_DAY_MAX
            if not 700_000 < ordinal < 800_000:
                return None
            day = dt.date.fromordinal(ordinal)
            media = next((story for story in self.stories(page, day, day, now) if story.id == node_id), None)
        elif kind == _CHILD:
            album = self.find(_media_id(page, _MEDIUM, digits // 10), now)
            children = self.children(album) if album else []
            media = next((child for child in children if child.id == node_id), None)
        else:
            times = self._times(page.instagram_id, self.world.options.media_per_account, pacific_day(now))
            media = self._feed_media(page, digits, times[digits]) if digits < len(times) else None
        return media if media and media.exists(now) else None

    def add(self, publication: Publication) -> str:
        """Add media that an app published and return their id."""
        is_story = publication.kind == STORY
        number = _FIRST_SUBMITTED + len(self._submitted) * (10 if is_story else 1)
        media_id = _media_id(publication.page, _STORY if is_story else _MEDIUM, number)
        at = publication.published_at
        self._submitted[media_id] = Media(
            id=media_id, page=publication.page, kind=publication.kind, published_at=at, publication=publication,
            ended_at=at + STORY_LIFE if is_story else None,
        )
        return media_id

    def _find_submitted(self, media_id: str) -> Media | None:
        media = self._submitted.get(media_id)
        return dataclasses.replace(media, **self._changes.get(media_id, {})) if media else None

    def _with_submitted(self, media: list[Media], page: Page, now: dt.datetime, *, is_story: bool) -> list[Media]:
        """Return media with those that apps published in an account until now, newest first."""
        submitted = [
            each for id in self._submitted if (each := self._find_submitted(id)) is not None
            and each.page == page and each.published_at <= now and (each.kind == STORY) == is_story
        ]
        return _newest_first([*submitted, *media]) if submitted else media

    def change(self, body: Mapping[str, Any], now: dt.datetime) -> dict[str, str]:
        """Edit a caption (`id`, `caption`) or delete media or a story (`id`, `delete: true`) `at` an instant or now;
        return the changes.

        Raise KeyError without an id, ValueError for media that do not exist.
        """
        media_id = str(body["id"])
        at = dt.datetime.fromisoformat(str(body["at"])) if "at" in body else now
        if self.find(media_id, min(at, now)) is None:
            raise ValueError(f"no media object {media_id}")
        changes = self._changes.setdefault(media_id, {})
        if body.get("delete"):
            changes["ended_at"] = at
        else:
            changes |= {"edited_at": at, "edited_caption": str(body["caption"])}
        return {name: str(value) for name, value in changes.items()}

    def children(self, media: Media) -> list[Media]:
        """Return the children of a carousel, in its order."""
        if media.kind != CAROUSEL:
            return []
        number, publication = int(media.id[-10:]), media.publication
        count = len(publication.videos_in_carousel) if publication else _CHILDREN_OF_CAROUSEL
        return [
            Media(
                id=_media_id(media.page, _CHILD, number * 10 + n), page=media.page, kind=CAROUSEL_CHILD,
                published_at=media.published_at, ended_at=media.ended_at, parent_id=media.id,
            )
            for n in range(count)
        ]

    def fields(self, media: Media, now: dt.datetime) -> dict[str, Any]:
        """Return a media object's fields as Graph writes them, without its counts; None where it has no value."""
        shortcode = f"C{int(media.id) % 10**13:x}"
        is_video = media.kind in (VIDEO, REELS) or (media.kind == STORY and self._is_video_story(media))
        place = {REELS: "reel", STORY: f"stories/{media.page.instagram_name}"}.get(media.kind, "p")
        picture = f"https://scontent.cdninstagram.com/v/{media.id}.jpg"
        has_caption = media.kind not in (STORY, CAROUSEL_CHILD)
        return {
            "id": media.id, "ig_id": media.id[::-1], "caption": self._caption(media, now) if has_caption else None,
            "media_type": CAROUSEL if media.kind == CAROUSEL else VIDEO if is_video else IMAGE,
            "media_product_type": media.kind if media.kind in (REELS, STORY) else "FEED",
            "media_url": f"https://scontent.cdninstagram.com/v/{media.id}.mp4" if is_video else picture,
            "thumbnail_url": picture if is_video else None,
            "permalink": f"https://www.instagram.com/{place}/{media.id if media.kind == STORY else shortcode}/",
            "shortcode": shortcode, "timestamp": graph_time(media.published_at), "username": media.page.instagram_name,
            "owner": {"id": media.page.instagram_id}, "is_comment_enabled": media.kind != STORY,
            "is_shared_to_feed": True if media.kind == REELS else None, "alt_text": None,
            "is_ai_generated": media.publication is not None and media.publication.is_ai_generated,
            "legacy_instagram_media_id": None,
        }

    def _is_video_story(self, media: Media) -> bool:
        return media.publication.is_video if media.publication else self._draw(media.id, "video") % 3 == 0

    def _feed_media(self, page: Page, number: int, published_at: dt.datetime) -> Media:
        media_id = _media_id(page, _MEDIUM, number)
        draw = self._draw(media_id, "life")
        is_deleted, is_edited = draw % 20 == 0, draw % 4 == 1
        media = Media(
            id=media_id, page=page, kind=_FEED_KINDS[self._draw(media_id, "kind") % len(_FEED_KINDS)],
            published_at=published_at,
            edited_at=published_at + dt.timedelta(hours=1 + draw // 160 % 3000) if is_edited else None,
            ended_at=published_at + dt.timedelta(hours=100 + draw // 160 % 4000) if is_deleted else None,
        )
        return dataclasses.replace(media, **self._changes.get(media_id, {}))

    def _story(self, page: Page, day: dt.date, number: int, per_day: int) -> Media:
        media_id = _media_id(page, _STORY, day.toordinal() * _STORIES_PER_DAY_MAX + number)
        slot_s = int((end_of(day) - start_of(day)).total_seconds()) // per_day
        published_at = start_of(day) + dt.timedelta(seconds=number * slot_s + self._draw(media_id, "time") % slot_s)
        ended_at = published_at + STORY_LIFE
        story = Media(id=media_id, page=page, kind=STORY, published_at=published_at, ended_at=ended_at)
        return dataclasses.replace(story, **self._changes.get(media_id, {}))

    def _caption(self, media: Media, now: dt.datetime) -> str | None:
        if media.publication is not None:
            return media.edited_caption if media.is_edited(now) else media.publication.caption
        topic, is_edited = _TOPICS[self._draw(media.id, "topic") % len(_TOPICS)], media.is_edited(now)
        caption = f"{topic} · {media.page.name} #{int(media.id[-10:])}{' (edited)' if is_edited else ''}"
        return media.edited_caption if is_edited and media.edited_caption is not None else caption

    def _publication_times(self, account_id: str, per_two_years: int, day: dt.date) -> list[dt.datetime]:
        return publication_times(
            self.world, account_id, "media", per_two_years=per_two_years, now=end_of(day)
        )

    def _draw(self, *parts: object) -> int:
        return self.world.roll("media", *parts)


def _newest_first(media: list[Media]) -> list[Media]:
    return sorted(media, key=lambda each: each.published_at, reverse=True)


def _media_id(page: Page, kind: str, number: int) -> str:
    return f"179{page.instagram_id[-3:]}{kind}{number:010d}"
