"""How many calls a report of a Page or an Instagram account will take. Every operation of a batch counts as one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.extract.aged_objects import LISTING_PAGE
from meta_pipeline.extract.forecast import Forecast
from meta_pipeline.extract.instagram.insights import SERIES
from meta_pipeline.extract.metrics.metric import Metric, Registry
from meta_pipeline.extract.ranges import contiguous_ranges
from meta_pipeline.extract.reports import NodeReport
from meta_pipeline.store.landed import ledger, snapshot_objects

STORIES = "instagram_stories"
_LONGEST = {"page_insights": 90, "instagram_insights": 30}


def forecast_node_report(
    report: NodeReport, days: Sequence[dt.date], *, engine: sa.Engine, node_id: str, registry: Registry,
    now: dt.datetime,
) -> Forecast:
    """Forecast the calls for these days of a report; `rows` None: it was never read, and can take more."""
    metrics = [
        metric for metric in registry.values()
        if metric.report == report.name and metric.is_default and not metric.has_ended(now.date())
    ]
    newest = _newest_rows(engine, report.name, node_id)
    calls = 0
    if days and report.name == STORIES:
        calls = hourly_story_calls(engine, node_id)
    elif days and not report.is_snapshot:
        calls = _calls_of_days(report.name, days, metrics)
    elif days and metrics and metrics[0].object in ("post", "media"):
        known = len(snapshot_objects.find_all(engine, node_id=node_id, report=report.name))
        calls = 1 + known // LISTING_PAGE + known
    elif days:
        calls = sum(max(1, len(metric.requested_breakdowns)) for metric in metrics) if metrics[0].metric_types else 1
    return Forecast(
        report=report.name, days=len(days), report_runs=0, calls=calls,
        rows=None if newest is None else newest * len(days),
    )


def hourly_story_calls(engine: sa.Engine, node_id: str) -> int:
    """Return the calls of one hourly read of the stories of an Instagram account: the list, and one for each story."""
    return 1 + (_newest_rows(engine, STORIES, node_id) or 0)


def _calls_of_days(name: str, days: Sequence[dt.date], metrics: Sequence[Metric]) -> int:
    """Return the calls for reports of days: each group of metrics is requested by range, totals of Instagram by day."""
    parts = [part for whole in contiguous_ranges(days) for part in whole.split(_LONGEST[name])]
    by_range: set[tuple[str, ...]] = set()
    by_day: set[tuple[str, ...]] = set()
    for metric in metrics:
        is_total = bool(metric.metric_types) and metric.metric_types[0] != SERIES
        breakdowns = metric.requested_breakdowns[:1] or ("",) if is_total else ("", *metric.requested_breakdowns)
        for period in metric.default_periods:
            groups = {(period, breakdown, metric.request_group) for breakdown in breakdowns}
            by_day, by_range = (by_day | groups, by_range) if is_total else (by_day, by_range | groups)
    return len(parts) * len(by_range) + len(set(days)) * len(by_day)


def _newest_rows(engine: sa.Engine, report: str, node_id: str) -> int | None:
    """Return the rows of the newest day that landed; None when none has."""
    files = ledger.files_of(engine, report=report, node_id=node_id)
    return files[-1].rows if files else None
