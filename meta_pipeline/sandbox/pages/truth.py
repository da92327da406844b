"""The exact truth of Pages at a moment: what a client that misses nothing could have read then.

`GET /_sandbox/truth/pages?since=&until=[&at=]`, days inclusive, `at` an instant (now without it). The lists may be
restricted with `page_id`, `metrics` and `periods` (comma lists). It returns flat records:

- `page_insights`: `page_id, day` (Pacific, ISO), `metric, period, breakdown` (empty, `is_from_ads` or
  `is_from_followers`), `breakdown_value` (empty, `0` or `1`), `value` (a number or an object). Audiences are not in it.
- `page_audience`: `page_id, day, metric, dimension` (`city` or `country`), `value` (the place), `followers`.
- `posts`: `page_id, post_id, created_time, updated_time, message, permalink_url, status_type, is_deleted, deleted_at,
  is_edited`; every post that was ever published by then, whatever `since` and `until`.
- `post_insights`: `post_id, metric, breakdown, breakdown_value, value`: lifetime values of the posts that exist then.

A value that Graph leaves out has no record. The truth assumes a token with `read_insights`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from meta_pipeline.sandbox.metrics.lives import added_metrics, is_retired
from meta_pipeline.sandbox.metrics.pacific import graph_time
from meta_pipeline.sandbox.metrics.truth_query import TruthQuery
from meta_pipeline.sandbox.pages.audience import DIMENSIONS
from meta_pipeline.sandbox.pages.catalogue import Metric, added, documented
from meta_pipeline.sandbox.pages.page_days import PageDays
from meta_pipeline.sandbox.pages.post_nodes import STATUS_TYPES
from meta_pipeline.sandbox.pages.post_values import by_breakdown, lifetime_value
from meta_pipeline.sandbox.pages.posts import PagePosts, Post
from meta_pipeline.sandbox.world.world import World


def pages_truth(query: TruthQuery, page_days: PageDays, posts: PagePosts) -> dict[str, list[dict[str, Any]]]:
    """Return the lists that the module's docstring names."""
    world = page_days.world
    page_ids = [page_id for page_id in world.pages if query.includes("page_id", page_id)]
    published = [post for page_id in page_ids for post in posts.published(page_id, query.at)]
    return {
        "page_insights": [row for page_id in page_ids for row in _page_insights(query, page_id, page_days)],
        "page_audience": [row for page_id in page_ids for row in _audience(query, page_id, page_days)],
        "posts": [_post(post, query.at) for post in published],
        "post_insights": [
            row for post in published if post.exists(query.at) for row in _post_insights(query, post, world)
        ],
    }


def _metrics(query: TruthQuery, node_kind: str, world: World) -> dict[str, Metric]:
    metrics = {
        **documented(node_kind, query.at), **added(added_metrics(node_kind, world.options), node_kind),
    }
    return {
        name: metric for name, metric in metrics.items()
        if not is_retired(name, world.options, query.at) and query.includes("metrics", name)
    }


def _page_insights(query: TruthQuery, page_id: str, page_days: PageDays) -> Iterator[dict[str, Any]]:
    for name, metric in _metrics(query, "page", page_days.world).items():
        for period in metric.periods:
            if metric.kind == "audience" or not query.includes("periods", period):
                continue
            for breakdown in (None, *metric.breakdowns):
                for row in page_days.rows(
                    page_id, name, metric, period="day" if period == "lifetime" else period, breakdown=breakdown,
                    days=query.days, now=query.at,
                ):
                    yield {
                        "page_id": page_id, "day": row.day.isoformat(), "metric": name, "period": period,
                        "breakdown": breakdown or "", "breakdown_value": row.breakdown_value or "", "value": row.value,
                    }


def _audience(query: TruthQuery, page_id: str, page_days: PageDays) -> Iterator[dict[str, Any]]:
    for name, metric in _metrics(query, "page", page_days.world).items():
        if metric.kind != "audience":
            continue
        for row in page_days.rows(
            page_id, name, metric, period="day", breakdown=None, days=query.days, now=query.at
        ):
            assert isinstance(row.value, dict)
            for place, followers in row.value.items():
                yield {
                    "page_id": page_id, "day": row.day.isoformat(), "metric": name, "dimension": DIMENSIONS[name],
                    "value": place, "followers": followers,
                }


def _post(post: Post, at: dt.datetime) -> dict[str, Any]:
    is_deleted = post.is_deleted(at)
    return {
        "page_id": post.page_id, "post_id": post.id, "created_time": graph_time(post.created_at),
        "updated_time": graph_time(post.updated_at(at)), "message": post.message_at(at),
        "permalink_url": post.permalink(), "status_type": STATUS_TYPES[post.kind], "is_deleted": is_deleted,
        "deleted_at": graph_time(post.deleted_at) if is_deleted and post.deleted_at else None,
        "is_edited": post.is_edited(at),
    }


def _post_insights(query: TruthQuery, post: Post, world: World) -> Iterator[dict[str, Any]]:
    for name, metric in _metrics(query, "post", world).items():
        total = lifetime_value(world, post, name, metric, query.at)
        if total is None or "lifetime" not in metric.periods:
            continue
        yield {"post_id": post.id, "metric": name, "breakdown": "", "breakdown_value": "", "value": total}
        for breakdown in metric.breakdowns:
            parts = by_breakdown(world, post, name, metric, breakdown=breakdown, now=query.at)
            for key, value in parts.items():
                yield {
                    "post_id": post.id, "metric": name, "breakdown": breakdown, "breakdown_value": key, "value": value,
                }
