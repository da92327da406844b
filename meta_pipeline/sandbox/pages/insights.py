"""Page insights (docs/graph-api.md §3): days are Pacific and labelled by their end, a single invalid metric fails the
whole request, and without `read_insights` the result is empty."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any
from urllib.parse import urlencode

from meta_pipeline.sandbox.metrics.lives import no_metric
from meta_pipeline.sandbox.metrics.pacific import PACIFIC, end_of, end_time
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.world.entities import Page

MAX_RANGE = dt.timedelta(days=93)
_DAYS_PER_PERIOD = {"day": 1, "week": 7, "days_28": 28}
_ALL_PERIODS = tuple(_DAYS_PER_PERIOD)
# By metric: its periods and its average per day.
METRICS: dict[str, tuple[tuple[str, ...], int]] = {
    "page_media_view": (_ALL_PERIODS, 4000), "page_total_media_view_unique": (_ALL_PERIODS, 2500),
    "page_post_engagements": (_ALL_PERIODS, 300), "page_views_total": (_ALL_PERIODS, 120),
    "page_follows": (("day",), 12400), "page_daily_follows": (("day",), 20),
    "page_daily_follows_unique": (_ALL_PERIODS, 18), "page_daily_unfollows_unique": (_ALL_PERIODS, 6),
    "page_total_actions": (_ALL_PERIODS, 14), "page_video_views": (_ALL_PERIODS, 900),
    "page_video_view_time": (("day",), 400_000),
}


def page_insights(call: NodeCall, page: Page, seed: int, *, may_read: bool) -> dict[str, Any]:
    """Return the values of the requested metrics; raise the error that Graph gives for an invalid request."""
    metrics, period = call.request.list_param("metric"), call.request.params.get("period", "day")
    _check_request(call, page, metrics, period, may_read=may_read)
    since, until = _parse_day(call, "since", days_ago=2), _parse_day(call, "until", days_ago=0)
    if until - since > MAX_RANGE:
        raise GraphApiError(
            f"(#100) There cannot be more than 93 days (8035200 s) between since and until ({since} {until})", 100
        )
    if "read_insights" not in call.token.scopes:
        return {"data": []}
    request = call.request
    window = {"since": since.isoformat(), "until": until.isoformat(), "metric": ",".join(metrics), "period": period}
    url = f"{request.base_url}/{request.version}/{request.path}?{urlencode(window)}"
    days = [since + dt.timedelta(days=n) for n in range((until - since).days)]
    finished = [day for day in days if end_of(day) <= call.now]
    return {
        "data": [
            {
                "name": metric, "period": period, "title": metric.replace("_", " ").capitalize(), "description": "",
                "values": [
                    {
                        "value": _value(seed, page, metric, day, _DAYS_PER_PERIOD[period]),
                        "end_time": end_time(day),
                    }
                    for day in finished
                ],
                "id": f"{page.id}/insights/{metric}/{period}",
            }
            for metric in metrics
        ],
        "paging": {"previous": url, "next": url},
    }


def _check_request(call: NodeCall, page: Page, metrics: list[str], period: str, *, may_read: bool) -> None:
    if not metrics:
        raise no_metric()
    if call.token.page_id != page.id:
        raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
    if "pages_read_engagement" not in call.token.scopes or not may_read:
        raise GraphApiError(
            "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' "
            "feature.", 10, status=403,
        )
    if any(metric not in METRICS for metric in metrics):
        raise GraphApiError("(#100) The value must be a valid insights metric", 100)
    for metric in metrics:
        if period not in METRICS[metric][0]:
            raise GraphApiError(f"(#100) The period {period} is not supported for the metric {metric}", 100)


def _parse_day(call: NodeCall, name: str, *, days_ago: int) -> dt.date:
    """Return a day given as ISO date or Unix time, or the Pacific day so many days ago without one."""
    text = call.request.params.get(name)
    if text is None:
        return call.now.astimezone(PACIFIC).date() - dt.timedelta(days=days_ago)
    try:
        if text.isdigit():
            return dt.datetime.fromtimestamp(int(text), PACIFIC).date()
        return dt.date.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise GraphApiError(f"(#100) Param {name} must be a valid date", 100) from None


def _value(seed: int, page: Page, metric: str, last: dt.date, days: int) -> int:
    """Return the metric's value over the days that end with `last`."""
    total = 0
    for n in range(days):
        text = f"{seed}|{page.id}|{metric}|{last - dt.timedelta(days=n)}"
        total += METRICS[metric][1] * (60 + hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 80) // 100
    return total
