"""One day of one node, read to show that a new connection works. It is not landed: the warehouse would have an
incomplete day (docs/decisions/0012)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.records import AccessToken

ACCOUNT_FIELDS = ("impressions", "clicks", "spend", "account_currency")
# Available on every version in the live test of 2026-09 (docs/graph-api.md §3.3, P-LIVE).
PAGE_METRICS = ("page_media_view", "page_total_media_view_unique", "page_post_engagements")


def ad_account(node_id: str, day: dt.date, *, graph: GraphClient, token: AccessToken) -> dict[str, str]:
    """Return the metrics of an ad account on one of its days, as Meta wrote them; empty without delivery."""
    request = {
        "level": "account", "fields": list(ACCOUNT_FIELDS), "time_range": {"since": str(day), "until": str(day)},
    }
    rows = graph.get(f"{node_id}/insights", request, token=token, kind=CallKind.INSIGHTS).rows
    row: Mapping[str, Any] = next(iter(rows), {})
    return {name: str(row[name]) for name in ACCOUNT_FIELDS if name in row}


def instagram_account(account_id: str, day: dt.date, *, graph: GraphClient, token: AccessToken) -> dict[str, str]:
    """Return how many people an Instagram account reached on one day; empty when Meta has no value (§3.4)."""
    request = {
        "metric": "reach", "period": "day", "since": str(day), "until": str(day + dt.timedelta(days=1)),
    }
    values = {}
    for metric in graph.get(f"{account_id}/insights", request, token=token, kind=CallKind.INSTAGRAM_INSIGHTS).rows:
        for value in metric.get("values", ())[:1]:
            values[str(metric["name"])] = str(value.get("value"))
    return values


def page(page_id: str, day: dt.date, *, graph: GraphClient, token: AccessToken) -> dict[str, str]:
    """Return a Page's metrics on one Pacific day; empty when Meta has none. Raise ScopeError for a token without
    `read_insights`, for which Meta would return no values and no error (§3.1)."""
    request = {
        "metric": ",".join(PAGE_METRICS), "period": "day", "since": str(day), "until": str(day + dt.timedelta(days=1)),
    }
    values = {}
    for metric in graph.get(f"{page_id}/insights", request, token=token, kind=CallKind.PAGE_INSIGHTS).rows:
        for value in metric.get("values", ())[:1]:
            values[str(metric["name"])] = str(value.get("value"))
    return values
