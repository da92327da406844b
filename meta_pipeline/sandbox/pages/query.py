"""A request for insights of a Page or a post: its parameters, in the order in which Meta checks them
(docs/graph-api.md §3.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from meta_pipeline.sandbox.metrics.lives import added_metrics, check_metrics, no_metric
from meta_pipeline.sandbox.metrics.pacific import pacific_day, start_of
from meta_pipeline.sandbox.metrics.windows import Window, parse_time
from meta_pipeline.sandbox.pages.catalogue import EARNINGS, Metric, added, documented
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.options import WorldOptions

MAX_DAYS = 90
PERIODS = ("day", "week", "days_28", "month", "lifetime", "total_over_range")
_DEFAULT_DAYS = 2
_PRESET_DAYS = {
    "yesterday": 1, "last_3d": 3, "last_7d": 7, "last_14d": 14, "last_28d": 28, "last_30d": 30, "last_90d": 90,
}


@dataclass(frozen=True, kw_only=True)
class InsightsQuery:
    """A request that passed every check: its metrics by name, and for each the periods to return.

    `period` is None for every period of a metric; `has_window` is false when the request names no `since`, `until` or
    preset.
    """

    metrics: dict[str, Metric]
    period: str | None
    breakdown: str | None
    window: Window
    has_window: bool

    def periods_of(self, metric: Metric) -> tuple[str, ...]:
        """Return the periods in which a metric is returned."""
        return (self.period,) if self.period else metric.periods

    def paging(self, request: GraphRequest) -> dict[str, str]:
        """Return links to the windows before and after this one; both always exist (§3.1)."""
        return {"previous": self._url(request, -1), "next": self._url(request, 1)}

    def _url(self, request: GraphRequest, windows: int) -> str:
        window = self.window.shifted(windows)
        params = {
            "access_token": request.token_text or "", "metric": ",".join(self.metrics),
            "since": str(int(window.since.timestamp())), "until": str(int(window.until.timestamp())),
        }
        params |= {"period": self.period} if self.period else {}
        params |= {"breakdown": self.breakdown} if self.breakdown else {}
        return f"{request.base_url}/{request.version}/{request.path}?{urlencode(params)}"


def check_page_token(call: NodeCall, page_id: str, access: NodeAccess) -> None:
    """Raise unless the request has the Page's own token, with `pages_read_engagement`, of somebody who may read."""
    if call.token.page_id != page_id:
        raise GraphApiError("(#190) This method must be called with a Page Access Token", 190)
    if "pages_read_engagement" not in call.token.scopes or not access.may_read(page_id, call.token.subject_id):
        raise GraphApiError(
            "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' "
            "feature.", 10, status=403,
        )


def parse_query(
    request: GraphRequest, node_kind: str, *, options: WorldOptions, now: dt.datetime, default_period: str | None = None
) -> InsightsQuery:
    """Return the query of a `page` or `post`; raise the error that Graph returns for an invalid one.

    `request.path` may name the metrics and the period: `…/insights/page_media_view/day`.
    """
    _, _, in_path = request.path.partition("/insights/")
    metric_text, _, period_text = in_path.partition("/")
    names = list(dict.fromkeys(metric_text.split(",") if metric_text else request.list_param("metric")))
    if not names:
        raise no_metric()
    metrics = {**documented(node_kind, now), **added(added_metrics(node_kind, options), node_kind)}
    check_metrics(names, metrics, node_kind=node_kind, options=options, now=now)
    if len(names) > 1 and set(names) & set(EARNINGS):
        raise GraphApiError("An unexpected error has occurred. Please retry your request later.", 2, status=500)
    chosen = {name: metrics[name] for name in names}
    period = period_text or request.params.get("period") or default_period
    _check_periods(chosen, period)
    breakdown = _breakdown(request, chosen)
    window, has_window = _window(request, now)
    window.check_length(MAX_DAYS)
    return InsightsQuery(
        metrics=chosen, period=period, breakdown=breakdown, window=window, has_window=has_window
    )


def _check_periods(metrics: Mapping[str, Metric], period: str | None) -> None:
    if period is None:
        return
    if period not in PERIODS:
        raise GraphApiError(f"(#100) period must be one of the following values: {', '.join(PERIODS)}", 100)
    for name, metric in metrics.items():
        if period not in metric.periods:
            raise GraphApiError(f"(#100) The period {period} is not supported for the metric {name}", 100)


def _breakdown(request: GraphRequest, metrics: Mapping[str, Metric]) -> str | None:
    names = request.list_param("breakdown")
    if not names:
        return None
    if len(names) > 1:
        raise GraphApiError("(#100) Only one breakdown can be requested at a time", 100)
    for name, metric in metrics.items():
        if names[0] not in metric.breakdowns:
            raise GraphApiError(f"(#100) The breakdown {names[0]} is not supported for the metric {name}", 100)
    return names[0]


def _window(request: GraphRequest, now: dt.datetime) -> tuple[Window, bool]:
    """Return the window, and whether the request names one; without it, the last two finished days."""
    today = start_of(pacific_day(now))
    if preset := request.params.get("date_preset"):
        return _preset(preset, now), True
    since, until = parse_time(request, "since", now), parse_time(request, "until", now)
    if since is None:
        end = until or today
        return Window(start_of(pacific_day(end) - dt.timedelta(days=_DEFAULT_DAYS)), end), until is not None
    return Window(since, until or max(since, today)), True


def _preset(preset: str, now: dt.datetime) -> Window:
    today = pacific_day(now)
    if preset == "today":
        return Window(start_of(today), now)
    if preset == "this_month":
        return Window(start_of(today.replace(day=1)), now)
    if preset == "last_month":
        last = today.replace(day=1) - dt.timedelta(days=1)
        return Window(start_of(last.replace(day=1)), start_of(today.replace(day=1)))
    if preset not in _PRESET_DAYS:
        raise GraphApiError(f"(#100) date_preset does not have the value {preset}", 100)
    return Window(start_of(today - dt.timedelta(days=_PRESET_DAYS[preset])), start_of(today))


def insights_record(node_id: str, name: str, period: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one record of `data`: a metric in a period (docs/graph-api.md §3.1)."""
    return {
        "_type": "InsightsResult", "name": name, "period": period, "values": values,
        "title": name.replace("_", " ").capitalize(), "description": f"{name} over {period}",
        "id": f"{node_id}/insights/{name}/{period}",
    }
