"""Page insights: a range of days in one call, by Pacific day (docs/graph-api.md §3.1), and the current audience."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from meta_pipeline.extract.metrics.answers import rows_by_day
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.metrics.reader import MetricReader, MetricRequest
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.stored_listing import Row
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import TooMuchDataError

# From `since` to `until` at most (docs/graph-api.md §3.1).
LONGEST_RANGE = 90
NEWEST_OF = dt.timedelta(days=7)  # for metrics of which only the newest value is read
RowsByDay = dict[dt.date, list[Row]]


def insights_requests(page_id: str, metrics: Sequence[Metric], days: Range) -> Iterator[tuple[MetricRequest, str, str]]:
    """Yield the requests for a range of days, each with its period and its breakdown ("" for none): all metrics of a
    period in one request, and one for each breakdown."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for metric in metrics:
        for period in metric.default_periods:
            for breakdown in ("", *(metric.requested_breakdowns if period == "day" else ())):
                groups.setdefault((period, breakdown, metric.request_group), []).append(metric.name)
    for (period, breakdown, _), names in sorted(groups.items(), key=lambda group: group[0][1] != ""):
        params: dict[str, Any] = {
            "period": period, "since": days.since.isoformat(),
            "until": (days.until + dt.timedelta(days=1)).isoformat(), "breakdown": breakdown or None,
        }
        request = MetricRequest(
            path=f"{page_id}/insights", metrics=tuple(names), params=params, kind=CallKind.PAGE_INSIGHTS
        )
        yield request, period, breakdown


def read_insights(page_id: str, metrics: Sequence[Metric], days: Range, *, reader: MetricReader) -> RowsByDay:
    """Return the records of each day of a range of at most LONGEST_RANGE days, [] for a day without values. A range
    that is too much is read in halves."""
    by_day: RowsByDay = {day: [] for day in days.days}
    try:
        for request, period, breakdown in insights_requests(page_id, metrics, days):
            responses = reader.read(request)
            for name, day, row in rows_by_day(responses, period=period, breakdown=breakdown or None):
                if day in by_day:
                    by_day[day].append(row)
                    reader.availability.record_answered([name])
    except TooMuchDataError:
        if days.since == days.until:
            raise
        first, second = days.halves()
        return read_insights(page_id, metrics, first, reader=reader) | read_insights(
            page_id, metrics, second, reader=reader
        )
    return by_day


def read_audience(
    page_id: str, metrics: Sequence[Metric], *, today: dt.date, reader: MetricReader
) -> list[Row]:
    """Return a record for each metric of the audience with its newest value; [] for a Page that is too small. Meta adds
    the latest days late, so a week is requested. Without a value in it, the request is repeated without a range."""
    if not metrics:
        return []
    week = {"since": (today - NEWEST_OF).isoformat(), "until": today.isoformat()}
    newest: dict[str, tuple[dt.date, Row]] = {}
    for range_params in (week, {}):
        request = MetricRequest(
            path=f"{page_id}/insights", metrics=tuple(metric.name for metric in metrics),
            params={"period": "lifetime", **range_params}, kind=CallKind.PAGE_INSIGHTS,
            may_be_empty=bool(range_params),
        )
        for name, day, row in rows_by_day(reader.read(request), period="lifetime", breakdown=None):
            if name not in newest or newest[name][0] <= day:
                newest[name] = day, row
        if newest:
            break
    reader.availability.record_answered(newest)
    return [row for _, row in newest.values()]
