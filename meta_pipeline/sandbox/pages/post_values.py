"""The lifetime values of posts as Meta reports them at a moment: they grow with the post's age and never fall
(docs/graph-api.md §3.3)."""

from __future__ import annotations

import datetime as dt
import functools

from meta_pipeline.sandbox.metrics.growth import grown
from meta_pipeline.sandbox.metrics.pacific import end_of, start_of
from meta_pipeline.sandbox.pages.catalogue import POST_METRICS, Metric
from meta_pipeline.sandbox.pages.derivation import Drawn, Value, breakdown_parts, derive
from meta_pipeline.sandbox.pages.posts import Post
from meta_pipeline.sandbox.world.world import World


def lifetime_value(world: World, post: Post, name: str, metric: Metric, now: dt.datetime) -> Value | None:
    """Return a post's value at a moment; None for a metric without data."""
    if metric.kind == "absent" or post.page_id in world.options.small_pages:
        return None
    if metric.kind == "retention":
        return _retention(world, post, name) if post.kind == "video" else {}
    metrics = POST_METRICS if name in POST_METRICS else {name: metric}
    return derive(name, metrics, _drawn(world, post, now))


def by_breakdown(
    world: World, post: Post, name: str, metric: Metric, *, breakdown: str, now: dt.datetime
) -> dict[str, int]:
    """Return a post's value by breakdown value; values of 0 are sometimes left out."""
    total = lifetime_value(world, post, name, metric, now)
    if total is None:
        return {}
    parts = breakdown_parts(total, breakdown, _drawn(world, post, now))
    return {key: value for key, value in parts.items() if value or world.roll(post.id, name, breakdown, key) % 2}


def day_value(world: World, post: Post, name: str, metric: Metric, day: dt.date) -> Value | None:
    """Return by how much a post's value grew on a Pacific day; None before it was published."""
    if end_of(day) <= post.created_at:
        return None
    after = lifetime_value(world, post, name, metric, end_of(day))
    before = lifetime_value(world, post, name, metric, start_of(day))
    return after - before if isinstance(after, int) and isinstance(before, int) else None


def _drawn(world: World, post: Post, now: dt.datetime) -> Drawn:
    return Drawn(
        count=functools.partial(_count, world, post, now),
        people=lambda name, total: total * (550 + world.roll(post.id, name) % 300) // 1000,
        per_mille=lambda of, pair: _per_mille(world.roll(post.id, of, pair)),
    )


def _count(world: World, post: Post, now: dt.datetime, name: str, metric: Metric) -> int:
    if metric.is_video and post.kind != "video":
        return 0
    final = metric.average * (200 + world.roll(post.id, name) % 1600) // 1000
    return final if metric.kind == "constant" else grown(final, post.created_at, now)


def _per_mille(draw: int) -> int:
    return 0 if draw % 4 == 0 else 120 + (draw >> 8) % 500


def _retention(world: World, post: Post, name: str) -> dict[str, float]:
    """Return the share of viewers who still watch at each fortieth of the video, falling from 1."""
    pace = 10 + world.roll(post.id, name) % 30
    return {str(n): round(1 / (1 + n * pace / 1000), 4) for n in range(41)}
