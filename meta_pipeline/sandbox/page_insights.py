"""Page insights (graph-api.md §3): Pacific days labelled by their end, a dead metric fails all, no scope is silence."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.answers import Ask, Refused
from meta_pipeline.sandbox.nouns import Page
from meta_pipeline.sandbox.tokens import Token

PACIFIC = ZoneInfo("America/Los_Angeles")
LONGEST = dt.timedelta(days=93)
_ROLLING = ("day", "week", "days_28")
# metric → (periods, about how much a day)
METRICS: dict[str, tuple[tuple[str, ...], int]] = {
    "page_media_view": (_ROLLING, 4000), "page_total_media_view_unique": (_ROLLING, 2500),
    "page_post_engagements": (_ROLLING, 300), "page_views_total": (_ROLLING, 120), "page_follows": (("day",), 12400),
    "page_daily_follows": (("day",), 20), "page_daily_follows_unique": (_ROLLING, 18),
    "page_daily_unfollows_unique": (_ROLLING, 6), "page_total_actions": (_ROLLING, 14),
    "page_video_views": (_ROLLING, 900), "page_video_view_time": (("day",), 400_000),
}
_DAYS_IN = {"day": 1, "week": 7, "days_28": 28}


def answer(ask: Ask, page: Page, seed: int, token: Token, now: dt.datetime, *, may_read: bool) -> dict[str, Any]:
    """`/{page}/insights`."""
    metrics, period = ask.words("metric"), ask.params.get("period", "day")
    if not metrics:
        raise Refused(
            "Invalid query", 3001, subcode=1504028, is_transient=False,
            user_msg="No metric was specified to be fetched. Please specify one or more metrics to be fetched and try "
            "again.",
        )
    if token.page_id != page.id:
        raise Refused("(#190) This method must be called with a Page Access Token", 190)
    if "pages_read_engagement" not in token.scopes or not may_read:
        raise Refused(
            "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' "
            "feature.", 10, status=403,
        )
    if any(metric not in METRICS for metric in metrics):
        raise Refused("(#100) The value must be a valid insights metric", 100)
    for metric in metrics:
        if period not in METRICS[metric][0]:
            raise Refused(f"(#100) The period {period} is not supported for the metric {metric}", 100)
    since, until = _day(ask, "since", now, 2), _day(ask, "until", now, 0)
    if until - since > LONGEST:
        raise Refused(
            f"(#100) There cannot be more than 93 days (8035200 s) between since and until ({since} {until})", 100
        )
    if "read_insights" not in token.scopes:
        return {"data": []}
    window = {"since": since.isoformat(), "until": until.isoformat(), "metric": ",".join(metrics), "period": period}
    return {
        "data": [
            {
                "name": metric, "period": period, "title": metric.replace("_", " ").capitalize(), "description": "",
                "values": [
                    {"value": _value(seed, page, metric, since + dt.timedelta(days=n), _DAYS_IN[period]),
                     "end_time": _midnight(since + dt.timedelta(days=n + 1))}
                    for n in range((until - since).days)
                    if dt.datetime.combine(since + dt.timedelta(days=n + 1), dt.time(), PACIFIC) <= now
                ],
                "id": f"{page.id}/insights/{metric}/{period}",
            }
            for metric in metrics
        ],
        "paging": {
            "previous": f"{ask.base_url}/{ask.version}/{ask.path}?{urlencode(window)}",
            "next": f"{ask.base_url}/{ask.version}/{ask.path}?{urlencode(window)}",
        },
    }


def _day(ask: Ask, name: str, now: dt.datetime, days_ago: int) -> dt.date:
    text = ask.params.get(name)
    if text is None:
        return now.astimezone(PACIFIC).date() - dt.timedelta(days=days_ago)
    try:
        if text.isdigit():
            return dt.datetime.fromtimestamp(int(text), PACIFIC).date()
        return dt.date.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise Refused(f"(#100) Param {name} must be a valid date", 100) from None


def _midnight(day: dt.date) -> str:
    at = dt.datetime.combine(day, dt.time(), PACIFIC).astimezone(dt.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _value(seed: int, page: Page, metric: str, last: dt.date, days: int) -> int:
    total = 0
    for n in range(days):
        told = f"{seed}|{page.id}|{metric}|{last - dt.timedelta(days=n)}"
        total += METRICS[metric][1] * (60 + hashlib.blake2b(told.encode(), digest_size=1).digest()[0] % 80) // 100
    return total
