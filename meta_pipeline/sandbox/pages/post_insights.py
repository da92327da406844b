"""Insights of posts: an edge of the post, and a field of it in a listing (docs/graph-api.md §3.1)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from meta_pipeline.sandbox.metrics.pacific import end_time, pacific_day, start_of
from meta_pipeline.sandbox.pages.catalogue import Metric
from meta_pipeline.sandbox.pages.insights import READ_INSIGHTS
from meta_pipeline.sandbox.pages.post_values import by_breakdown, day_value, lifetime_value
from meta_pipeline.sandbox.pages.posts import Post
from meta_pipeline.sandbox.pages.query import InsightsQuery, insights_record, parse_query
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.world.world import World


def expanded_insights(call: NodeCall, post: Post, world: World, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Return a post's insights as its field `insights`, expanded with these arguments; raise as the edge does."""
    arguments = {name: value.strip("[]").replace('"', "").replace("'", "") for name, value in arguments.items()}
    token = {"access_token": call.request.token_text or ""}
    request = dataclasses.replace(call.request, path=f"{post.id}/insights", params={**token, **arguments})
    return post_insights(call, request, post, world)


def post_insights(call: NodeCall, request: GraphRequest, post: Post, world: World) -> dict[str, Any]:
    """Return a post's insights, of its lifetime by default; raise the error that Graph returns for an invalid one."""
    query = parse_query(request, "post", options=world.options, now=call.now, default_period="lifetime")
    if READ_INSIGHTS not in call.token.scopes:
        return {"data": []}
    records = []
    for name, metric in query.metrics.items():
        for period in query.periods_of(metric):
            if values := _values(world, post, name, metric, period, query, call.now):
                records.append(insights_record(post.id, name, period, values))
    return {"data": records, "paging": query.paging(request)}


def _values(
    world: World, post: Post, name: str, metric: Metric, period: str, query: InsightsQuery, now: dt.datetime
) -> list[dict[str, Any]]:
    if period == "day":
        by_day = {day: day_value(world, post, name, metric, day) for day in query.window.days(now)}
        return [{"value": value, "end_time": end_time(day)} for day, value in by_day.items() if value is not None]
    if not query.window.since < start_of(pacific_day(now)) <= query.window.until:
        return []  # a lifetime ends with the latest finished day, which is not in this window
    if query.breakdown:
        parts = by_breakdown(world, post, name, metric, breakdown=query.breakdown, now=now)
        return [{"value": value, query.breakdown: key} for key, value in parts.items()]
    value = lifetime_value(world, post, name, metric, now)
    return [] if value is None else [{"value": value}]
