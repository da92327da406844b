"""Page insights (docs/graph-api.md §3.1): days are Pacific and labelled by their end, a single invalid metric fails the
whole request, and without `read_insights` the result is empty."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.metrics.pacific import end_time
from meta_pipeline.sandbox.pages.catalogue import Metric
from meta_pipeline.sandbox.pages.page_days import PageDays, latest_day
from meta_pipeline.sandbox.pages.query import InsightsQuery, insights_record, parse_query
from meta_pipeline.sandbox.protocol.requests import NodeCall

READ_INSIGHTS = "read_insights"


def page_insights(call: NodeCall, page_id: str, page_days: PageDays) -> dict[str, Any]:
    """Return the values of the requested metrics; raise the error that Graph returns for an invalid request."""
    query = parse_query(call.request, "page", options=page_days.world.options, now=call.now)
    if READ_INSIGHTS not in call.token.scopes:
        return {"data": []}
    records = []
    for name, metric in query.metrics.items():
        for period in query.periods_of(metric):
            if values := _values(call, page_id, name, metric, period, query, page_days):
                records.append(insights_record(page_id, name, period, values))
    return {"data": records, "paging": query.paging(call.request)}


def _values(
    call: NodeCall, page_id: str, name: str, metric: Metric, period: str, query: InsightsQuery, page_days: PageDays
) -> list[dict[str, Any]]:
    """Return the values in the window; only the latest one of a lifetime metric without a window."""
    is_latest = period == "lifetime" and not query.has_window
    days = [latest_day(call.now)] if is_latest else query.window.days(call.now)
    rows = page_days.rows(
        page_id, name, metric, period="day" if period == "lifetime" else period, breakdown=query.breakdown, days=days,
        now=call.now,
    )
    return [
        {
            "value": row.value, "end_time": end_time(row.day),
            **({} if row.breakdown_value is None else {str(query.breakdown): row.breakdown_value}),
        }
        for row in rows
    ]
