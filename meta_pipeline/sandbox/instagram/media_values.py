"""The metrics of media and stories, and their lifetime values at an instant (docs/graph-api.md §3.4).

`views`, `likes` and `comments` are organic; `total_views`, `total_likes` and `total_comments` include boosted delivery.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.sandbox.instagram.media import CAROUSEL, IMAGE, REELS, STORY, VIDEO, Media
from meta_pipeline.sandbox.metrics.growth import TWO_YEARS, grown
from meta_pipeline.sandbox.metrics.lives import added_metrics
from meta_pipeline.sandbox.world.options import WorldOptions
from meta_pipeline.sandbox.world.world import World

_FEED = (IMAGE, CAROUSEL, VIDEO)
_POSTS = (*_FEED, REELS)
_ALL = (*_POSTS, STORY)
# Fewer viewers than this: a story has no insights at all, and its single values may come as 0.
MIN_VIEWERS = 5
_KEPT_FOR = TWO_YEARS
_FULL_STORY_H = 24


@dataclass(frozen=True, kw_only=True)
class MediaMetric:
    """The kinds of media that have a metric, and how its value is computed.

    `per_mille_of`: the metric that it is a part of, with the part in per mille. `breakdowns`: by breakdown, its values
    with their shares in per mille. `since_version`: the first version that has it.
    """

    kinds: tuple[str, ...]
    per_mille_of: tuple[str, int] | None = None
    breakdowns: dict[str, dict[str, int]] | None = None
    since_version: str = ""


_NAVIGATION = {"story_navigation_action_type": {
    "TAP_FORWARD": 760, "TAP_BACK": 90, "TAP_EXIT": 110, "SWIPE_FORWARD": 40,
}}
_PROFILE_ACTIVITY = {"action_type": {
    "BIO_LINK_CLICKED": 620, "CALL": 60, "DIRECTION": 90, "EMAIL": 130, "TEXT": 40, "OTHER": 60,
}}
MEDIA_METRICS: dict[str, MediaMetric] = {
    "reach": MediaMetric(kinds=_ALL),
    "views": MediaMetric(kinds=(IMAGE, CAROUSEL, REELS, STORY)),
    "likes": MediaMetric(kinds=_POSTS, per_mille_of=("views", 62)),
    "comments": MediaMetric(kinds=_POSTS, per_mille_of=("views", 5)),
    "saved": MediaMetric(kinds=_POSTS, per_mille_of=("views", 9)),
    "shares": MediaMetric(kinds=_ALL, per_mille_of=("views", 8)),
    "reposts": MediaMetric(kinds=_ALL, per_mille_of=("views", 2)),
    "total_interactions": MediaMetric(kinds=_ALL),
    "total_views": MediaMetric(kinds=_POSTS),
    "total_likes": MediaMetric(kinds=_POSTS),
    "total_comments": MediaMetric(kinds=_POSTS),
    "follows": MediaMetric(kinds=(*_FEED, STORY), per_mille_of=("views", 2)),
    "profile_visits": MediaMetric(kinds=(*_FEED, STORY), per_mille_of=("views", 14)),
    "profile_activity": MediaMetric(
        kinds=(*_FEED, STORY), per_mille_of=("views", 6), breakdowns=_PROFILE_ACTIVITY
    ),
    "replies": MediaMetric(kinds=(STORY,), per_mille_of=("views", 11)),
    "navigation": MediaMetric(kinds=(STORY,), per_mille_of=("views", 1400), breakdowns=_NAVIGATION),
    "link_clicks": MediaMetric(kinds=(STORY,), per_mille_of=("views", 15)),
    "ig_reels_avg_watch_time": MediaMetric(kinds=(REELS,)),
    "ig_reels_video_view_total_time": MediaMetric(kinds=(REELS,)),
    "reels_skip_rate": MediaMetric(kinds=(REELS,)),
    "crossposted_views": MediaMetric(kinds=(REELS,)),
    "facebook_views": MediaMetric(kinds=(REELS,), per_mille_of=("views", 130), since_version="v26.0"),
}
_INTERACTIONS = ("likes", "comments", "saved", "shares", "reposts", "replies")


class MediaValues:
    """The insights of every media object of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def values(self, media: Media, now: dt.datetime) -> dict[str, int | float]:
        """Return every metric that the kind of media has; for an ended story, those of its last instant.

        Empty for a media object that is older than two years, and for a child of a carousel.
        """
        at = now
        if media.ended_at is not None and now >= media.ended_at:
            at = media.ended_at - dt.timedelta(seconds=1)
        if at - media.published_at > _KEPT_FOR or media.kind not in _ALL:
            return {}
        values: dict[str, int | float] = dict(self._counts(media, at))
        values["total_interactions"] = sum(int(values[name]) for name in _INTERACTIONS if name in values)
        if media.kind == REELS:
            watched_ms = 2500 + self._draw(media, "watched") % 9000
            values["ig_reels_avg_watch_time"] = watched_ms
            values["ig_reels_video_view_total_time"] = watched_ms * int(values["views"])
            values["reels_skip_rate"] = (1000 + self._draw(media, "skipped") % 6000) / 100
            values["crossposted_views"] = int(values["views"]) + int(values["facebook_views"])
        for name, average in added_metrics(_node_kind(media), self.world.options).items():
            values[name] = self._grown(media, average * (20 + self._draw(media, name) % 160) // 100, at)
        if media.kind == STORY:
            values = {name: self._floor(media, name, value) for name, value in values.items()}
        return {name: value for name, value in values.items() if name in media_metrics(media, self.world.options)}

    def has_enough_viewers(self, media: Media, now: dt.datetime) -> bool:
        """Check whether a story has the five viewers that insights require."""
        return media.kind != STORY or self._counts(media, now)["reach"] >= MIN_VIEWERS

    def breakdown(self, media: Media, metric: str, breakdown: str, value: int) -> dict[str, int]:
        """Return the parts of a value by a breakdown's values; they add up."""
        shares = (MEDIA_METRICS[metric].breakdowns or {})[breakdown]
        parts = {key: value * share // 1000 for key, share in shares.items()}
        parts[next(iter(parts))] += value - sum(parts.values())
        return parts

    def _counts(self, media: Media, at: dt.datetime) -> dict[str, int]:
        """Return the counts that are drawn: the views, and the metrics that are a share of them."""
        views = self._grown(media, self._final_views(media), at)
        is_boosted = media.kind != STORY and self._draw(media, "boosted") % 5 == 0
        boosted = views * (500 + self._draw(media, "boost") % 2500) // 1000 if is_boosted else 0
        counts = {"views": views, "reach": views * (600 + self._draw(media, "reach") % 250) // 1000}
        for name, metric in MEDIA_METRICS.items():
            if metric.per_mille_of and media.kind in metric.kinds:
                share = metric.per_mille_of[1] * (50 + self._draw(media, name) % 100) // 100
                counts[name] = views * share // 1000
        for name in ("views", "likes", "comments"):
            if name in counts:
                counts[f"total_{name}"] = counts[name] + boosted * counts[name] // max(1, views)
        return counts

    def _final_views(self, media: Media) -> int:
        draw = self._draw(media, "views")
        if media.kind == STORY:
            return draw % MIN_VIEWERS if draw % 8 == 0 else 40 + draw % 900
        scale = {REELS: 5200, VIDEO: 1400, CAROUSEL: 2100, IMAGE: 1600}[media.kind]
        return scale * (15 + draw % 300) // 100

    def _grown(self, media: Media, final: int, at: dt.datetime) -> int:
        if media.kind != STORY:
            return grown(final, media.published_at, at)
        hours = int((at - media.published_at).total_seconds()) // 3600
        return final * min(_FULL_STORY_H, hours + 1) // _FULL_STORY_H

    def _floor(self, media: Media, name: str, value: int | float) -> int | float:
        """Return 0 for some of a story's values under five."""
        is_hidden = value < MIN_VIEWERS and self._draw(media, name, "floor") % 2 == 0
        return 0 if is_hidden else value

    def _draw(self, media: Media, *parts: object) -> int:
        return self.world.roll(media.id, *parts)


def media_metrics(media: Media, options: WorldOptions) -> list[str]:
    """Return the names of the metrics that a media object has by its kind, with those that the world's options add."""
    names = [name for name, metric in MEDIA_METRICS.items() if media.kind in metric.kinds]
    return [*names, *added_metrics(_node_kind(media), options)]


def _node_kind(media: Media) -> str:
    return "story" if media.kind == STORY else "media"
