"""Insights of an Instagram account by Pacific day, and its demographics (docs/graph-api.md §3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from meta_pipeline.extract.metrics.answers import rows_by_day, total_rows
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.metrics.reader import MetricReader, MetricRequest
from meta_pipeline.extract.planning.ranges import Range, contiguous_ranges
from meta_pipeline.extract.stored_listing import Row
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.node_kinds import PACIFIC

# From `since` to `until` at most (docs/graph-api.md §3.4): Meta's error counts seconds, and a range across the end of
# summer time has one hour more.
LONGEST_RANGE, LONGEST_RANGE_S = 30, 30 * 86_400
SERIES = "time_series"
_ZONE = ZoneInfo(PACIFIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysRequest:
    """A request for days: a series over several days, or a total of one day."""

    days: Range
    request: MetricRequest
    breakdown: str | None = None
    is_series: bool = False


def read_insights(
    account_id: str, metrics: Sequence[Metric], days: Iterable[dt.date], *, today: dt.date, reader: MetricReader
) -> dict[dt.date, list[Row] | GraphError]:
    """Return the records of each day, or the error for which that day can't be read. Meta adds up the days of a total,
    so each day has its own request; all are sent in batches."""
    by_day: dict[dt.date, list[Row] | GraphError] = {day: [] for day in days}
    requests = list(insights_requests(account_id, metrics, list(by_day), today=today))
    answers = reader.read_all([each.request for each in requests])
    for each, answer in zip(requests, answers, strict=True):
        if isinstance(answer, GraphError):
            by_day |= dict.fromkeys((day for day in each.days.days if day in by_day), answer)
            continue
        for name, day, row in _rows(each, answer):
            rows = by_day.get(day)
            if isinstance(rows, list):
                rows.append(row)
                reader.availability.record_answered([name])
    return by_day


def insights_requests(
    account_id: str, metrics: Sequence[Metric], days: Sequence[dt.date], *, today: dt.date
) -> Iterator[DaysRequest]:
    """Yield the requests: for each range one with all series; for each day one with all totals, and one for each
    breakdown by which totals are read."""
    groups: dict[tuple[bool, str, int | None, str], list[str]] = {}
    for metric in metrics:
        is_series = metric.metric_types[:1] == (SERIES,)
        breakdown = "" if is_series else next(iter(metric.requested_breakdowns), "")
        key = is_series, breakdown, metric.history_days, metric.request_group
        groups.setdefault(key, []).append(metric.name)
    for (is_series, breakdown, history_days, _), names in groups.items():
        oldest = today - dt.timedelta(days=history_days) if history_days else dt.date.min
        ranges = contiguous_ranges(day for day in days if day >= oldest)
        if is_series:
            parts = [
                part for whole in ranges for longest in whole.split(LONGEST_RANGE)
                for part in ((longest,) if _seconds(longest) <= LONGEST_RANGE_S else longest.halves())
            ]
        else:
            parts = [Range(day, day) for whole in ranges for day in whole.days]
        for part in parts:
            params = {
                "period": "day", "metric_type": SERIES if is_series else "total_value",
                "breakdown": breakdown or None, "since": _midnight(part.since),
                "until": _midnight(part.until + dt.timedelta(days=1)),
            }
            yield DaysRequest(
                days=part, breakdown=breakdown or None, is_series=is_series,
                request=MetricRequest(
                    path=f"{account_id}/insights", metrics=tuple(names), params=params,
                    kind=CallKind.INSTAGRAM_INSIGHTS,
                ),
            )


def _rows(each: DaysRequest, responses: Sequence[GraphResponse]) -> Iterator[tuple[str, dt.date, Row]]:
    if each.is_series:
        yield from rows_by_day(responses, period="day", breakdown=None)
    else:
        for name, row in total_rows(responses, breakdown=each.breakdown):
            yield name, each.days.since, row


def _seconds(days: Range) -> int:
    return _midnight(days.until + dt.timedelta(days=1)) - _midnight(days.since)


def _midnight(day: dt.date) -> int:
    """Return the Unix time at which a Pacific day begins, which is 23 or 25 hours before the next one twice a year."""
    return int(dt.datetime.combine(day, dt.time(), _ZONE).timestamp())


def read_demographics(account_id: str, metrics: Sequence[Metric], *, reader: MetricReader) -> list[Row]:
    """Return the totals of each metric by each combination of dimensions, complete as Meta returned them; [] for an
    account that is too small. Raise the first error."""
    requests = [
        (
            MetricRequest(
                path=f"{account_id}/insights", metrics=(metric.name,), kind=CallKind.INSTAGRAM_INSIGHTS,
                params={
                    "period": "lifetime", "metric_type": "total_value", "breakdown": combination,
                    "timeframe": metric.default_timeframe,
                },
            ),
            combination, metric.default_timeframe,
        )
        for metric in metrics for combination in metric.requested_breakdowns
    ]
    rows: list[Row] = []
    answers = reader.read_all([request for request, *_ in requests])
    for (_, combination, timeframe), answer in zip(requests, answers, strict=True):
        if isinstance(answer, GraphError):
            raise answer
        for name, row in total_rows(answer, timeframe=timeframe, breakdown=combination):
            rows.append(row)
            reader.availability.record_answered([name])
    return rows
