"""Forecast the calls of a report of a Page or an Instagram account, or of an activity log, from its earlier reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.extract.ads import activities
from meta_pipeline.extract.forecasting.forecast import Forecast
from meta_pipeline.extract.instagram.insights import insights_requests as instagram_requests
from meta_pipeline.extract.instagram.stories import STORY, count_live
from meta_pipeline.extract.metrics.availability import Availability
from meta_pipeline.extract.metrics.metric import Metric, Registry
from meta_pipeline.extract.pages.insights import LONGEST_RANGE, insights_requests
from meta_pipeline.extract.planning.ranges import contiguous_ranges
from meta_pipeline.extract.planning.restatement import Tier
from meta_pipeline.extract.reports import NodeReport
from meta_pipeline.extract.snapshots.aged_objects import LISTING_PAGE, groups_of
from meta_pipeline.extract.snapshots.snapshot_ages import due
from meta_pipeline.extract.stored_listing import read_rows
from meta_pipeline.store.landed import ledger, snapshot_objects

POLLS_OF_STORIES_PER_DAY = 24
STORIES = "instagram_stories"


def forecast_node_report(
    report: NodeReport,
    days: Sequence[dt.date],
    *,
    engine: sa.Engine,
    node_id: str,
    registry: Registry,
    version: str,
    ages: tuple[Tier, ...],
    today: dt.date,
    now: dt.datetime,
) -> Forecast:
    """Forecast a report over the days that are still to be read; a snapshot is one read, whatever the days. `rows` is
    None when the number of posts, media or stories is not known yet: then `calls` is a minimum of one."""
    calls, rows = 0, None
    metrics = registry.requested(report.name, on=now.date(), version=version)
    availability = Availability(engine, node_id=node_id, report=report.name, now=now)
    live = [metric for metric in metrics if availability.live([metric.name])]
    if days:
        match report.name:
            case "page_insights":
                parts = [part for whole in contiguous_ranges(days) for part in whole.split(LONGEST_RANGE)]
                calls = sum(1 for part in parts for _ in insights_requests(node_id, live, part))
                rows = len(days) * len(live)
            case "account_activities":
                calls = sum(len(whole.split(activities.LONGEST_RANGE)) for whole in contiguous_ranges(days))
            case "page_audience":
                calls, rows = min(1, len(live)), len(live)
            case "instagram_insights":
                calls = sum(1 for _ in instagram_requests(node_id, live, days, today=today))
                rows = len(days) * len(live)
            case "instagram_demographics":
                calls = rows = sum(len(metric.requested_breakdowns) for metric in live)
            case _ if report.name == STORIES:
                calls, rows = _story_calls(metrics, availability, engine, node_id, now=now)
            case _:
                calls, rows = _object_calls(report, metrics, engine, node_id, ages=ages, today=today)
    return Forecast(report=report.name, days=len(days), report_runs=0, calls=calls, rows=rows)


def hourly_story_calls(engine: sa.Engine, node_id: str, *, registry: Registry, version: str, now: dt.datetime) -> int:
    """Return how many calls a day the hourly read of an account's stories takes: a listing each hour, and the metrics
    of as many stories as were live at the last read."""
    metrics = registry.requested(STORIES, on=now.date(), version=version)
    availability = Availability(engine, node_id=node_id, report=STORIES, now=now)
    calls, _ = _story_calls(metrics, availability, engine, node_id, now=None)
    return POLLS_OF_STORIES_PER_DAY * calls


def _story_calls(
    metrics: Sequence[Metric], availability: Availability, engine: sa.Engine, node_id: str, *, now: dt.datetime | None
) -> tuple[int, int | None]:
    """Return the calls for the listing and for the stories that landed last: those that are live at `now`, or, when
    `now` is None, those that were live when they landed."""
    files = ledger.files_of(engine, report=STORIES, node_id=node_id)
    if not files:
        return 1, None
    live = [metric for metric in metrics if availability.live([metric.name], STORY)]
    rows = read_rows(files[-1].path, files[-1].day)
    return 1 + len(groups_of(live, STORY)) * count_live(rows, now), files[-1].rows


def _object_calls(
    report: NodeReport, metrics: Sequence[Metric], engine: sa.Engine, node_id: str, *, ages: tuple[Tier, ...],
    today: dt.date,
) -> tuple[int, int | None]:
    """Return the calls for the newest page of the listing, the objects that are due, and those of them that are too old
    to be on that page."""
    stored = snapshot_objects.find_all(engine, node_id=node_id, report=report.name)
    if not stored:
        return 1, None
    present = sorted(
        (each for each in stored.values() if each.gone_on is None), key=lambda each: each.created_on or dt.date.min,
        reverse=True,
    )
    to_read = set(due(stored, today, ages))
    unlisted = sum(each.id in to_read for each in present[LISTING_PAGE:])
    requests = sum(len(groups_of(metrics, stored[id].kind or "")) for id in to_read)
    return 1 + requests + unlisted, min(len(present), LISTING_PAGE)
