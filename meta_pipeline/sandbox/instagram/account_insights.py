"""`GET /{ig-user}/insights`: checks a request as Graph does and renders the values (docs/graph-api.md §3.4).

One invalid metric, one that does not fit the period or type, or an unsupported breakdown fails the whole request.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from meta_pipeline.sandbox.instagram.account_metrics import (
    ACCOUNT_METRICS,
    DEMOGRAPHICS,
    TIMEFRAMES,
    AccountMetric,
)
from meta_pipeline.sandbox.instagram.account_values import AccountValues, Cells
from meta_pipeline.sandbox.instagram.demographics import Demographics
from meta_pipeline.sandbox.instagram.rules import check_names, check_value, unknown_error
from meta_pipeline.sandbox.metrics.lives import added_metrics
from meta_pipeline.sandbox.metrics.pacific import end_time, pacific_day
from meta_pipeline.sandbox.metrics.windows import Window, parse_time
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.options import WorldOptions

MAX_DAYS = 30
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class _Query:
    """A request that Graph accepts; `window` is not used by demographics."""

    metrics: list[str]
    period: str
    metric_type: str
    breakdowns: list[str]
    timeframe: str
    window: Window


@dataclass(frozen=True, kw_only=True)
class AccountInsights:
    """Answers `/{ig-user}/insights`."""

    values: AccountValues
    demographics: Demographics

    def answer(self, call: NodeCall, page: Page) -> dict[str, Any]:
        """Return the values of the requested metrics; raise the error that Graph returns for an invalid request."""
        options = self.values.world.options
        query = _read_query(call, account_metrics(options), options)
        is_small = page.instagram_id in options.small_instagram
        entries = [
            self._entry(page, name, query, call.now)
            for name in query.metrics
            if not (is_small and name in ACCOUNT_METRICS and ACCOUNT_METRICS[name].needs_followers)
        ]
        request = call.request
        return {
            "data": [entry for entry in entries if entry],
            "paging": {
                "previous": _window_url(request, query.window.shifted(-1)),
                "next": _window_url(request, query.window.shifted(1)),
            },
        }

    def _entry(self, page: Page, name: str, query: _Query, now: dt.datetime) -> dict[str, Any] | None:
        """Return a metric's entry; None where Meta leaves it out."""
        account_id = page.instagram_id
        body: dict[str, Any] | None
        if name in DEMOGRAPHICS:
            timeframe = query.timeframe if name == "engaged_audience_demographics" else ""
            cells = self.demographics.entries(page, name, query.breakdowns, now, timeframe=timeframe)
            body = {"total_value": _broken_down(query.breakdowns, cells)} if query.breakdowns else {"total_value": {}}
        elif name == "follows_and_unfollows":
            cells = self.values.follow_changes(account_id, query.window.days(now), now)
            body = {"total_value": _broken_down(query.breakdowns, cells)} if query.breakdowns else {"total_value": {}}
        elif query.metric_type == "total_value":
            body = self._total(account_id, name, query, now)
        else:
            body = self._series(page, name, query, now)
        if body is None:
            return None
        return {
            "name": name, "period": query.period, "title": name.replace("_", " ").capitalize(), "description": "",
            **body, "id": f"{account_id}/insights/{name}/{query.period}",
        }

    def _total(self, account_id: str, name: str, query: _Query, now: dt.datetime) -> dict[str, Any] | None:
        days = query.window.days(now)
        value = self.values.total(account_id, name, days, now)
        if value is None:
            return None
        total: dict[str, Any] = {"value": value}
        if query.breakdowns:
            cells = self.values.breakdown(account_id, name, query.breakdowns, days, now)
            total |= _broken_down(query.breakdowns, cells)
        return {"total_value": total}

    def _series(self, page: Page, name: str, query: _Query, now: dt.datetime) -> dict[str, Any] | None:
        account_id = page.instagram_id
        values: list[dict[str, Any]] = []
        for day in query.window.days(now):
            if name == "online_followers":
                if self.values.is_ready(name, day, now):
                    values.append({"value": self.values.online_followers(page, day), "end_time": end_time(day)})
            elif self.values.is_sent(account_id, name, day, now):
                values.append({"value": self.values.day(account_id, name, day), "end_time": end_time(day)})
        return {"values": values} if values else None


def account_metrics(options: WorldOptions) -> dict[str, AccountMetric]:
    """Return the metrics of an account's reference with those that the world's options add."""
    added = added_metrics("instagram_account", options)
    return ACCOUNT_METRICS | {name: AccountMetric(average=average) for name, average in added.items()}


def _read_query(call: NodeCall, metrics: dict[str, AccountMetric], options: WorldOptions) -> _Query:
    """Return the request's parameters; raise in the order in which Graph checks them."""
    request = call.request
    names = list(dict.fromkeys(request.list_param("metric")))
    check_names(names, metrics, queried="user", options=options, now=call.now)
    period = (request.list_param("period") or [""])[0]
    if not period:
        raise GraphApiError("(#100) The parameter period is required.", 100)
    metric_type = request.params.get("metric_type", "default")
    _check_shape(names, metrics, period=period, metric_type=metric_type)
    breakdowns = request.list_param("breakdown") if metric_type == "total_value" else []
    for name in names:
        if not set(breakdowns) <= set(metrics[name].breakdowns):
            raise unknown_error()
    window = Window(
        parse_time(request, "since", call.now) or call.now - _DAY, parse_time(request, "until", call.now) or call.now
    )
    timeframe = request.params.get("timeframe", "")
    _check_timeframe(names, timeframe)
    if not set(names) <= set(DEMOGRAPHICS):
        window.check_length(MAX_DAYS)
        _check_recent(names, metrics, window, call.now)
    return _Query(
        metrics=names, period=period, metric_type=metric_type, timeframe=timeframe, window=window,
        breakdowns=[name for name in metrics[names[0]].breakdowns if name in breakdowns],
    )


def _check_shape(names: list[str], metrics: dict[str, AccountMetric], *, period: str, metric_type: str) -> None:
    """Raise error 100 for a metric that does not have the period or the type."""
    check_value("metric_type", metric_type, ("default", "time_series", "total_value"))
    check_value("period", period, ("day", "week", "days_28", "month", "lifetime", "total_over_range"))
    for name in names:
        if period != metrics[name].period:
            raise GraphApiError(f"(#100) The metric {name} does not support the period {period}", 100)
    unsupported = [name for name in names if metric_type not in metrics[name].types]
    if unsupported and metric_type != "total_value":
        raise GraphApiError(
            f"(#100) The following metrics ({','.join(unsupported)}) should be specified with parameter "
            "metric_type=total_value", 100,
        )
    if unsupported:
        raise GraphApiError(
            f"(#100) The following metrics ({','.join(unsupported)}) are not compatible with metric_type=total_value",
            100,
        )


def _check_timeframe(names: list[str], timeframe: str) -> None:
    if timeframe:
        check_value("timeframe", timeframe, TIMEFRAMES)
    elif "engaged_audience_demographics" in names:
        raise GraphApiError("(#100) The parameter timeframe is required for engaged_audience_demographics", 100)


def _check_recent(
    names: list[str], metrics: dict[str, AccountMetric], window: Window, now: dt.datetime
) -> None:
    """Raise error 100 for a window that begins before the days that a metric has."""
    for name in names:
        recent_days = metrics[name].recent_days
        if recent_days and pacific_day(window.since) < pacific_day(now) - dt.timedelta(days=recent_days):
            raise GraphApiError(
                f"(#100) ({name}) metric only supports querying data for the last {recent_days} days excluding the "
                "current day", 100,
            )


def _broken_down(breakdowns: list[str], cells: Cells) -> dict[str, Any]:
    """Return the breakdown part of a total; without `results` when there are none."""
    results = [{"dimension_values": list(cell), "value": value} for cell, value in cells.items()]
    return {"breakdowns": [{"dimension_keys": breakdowns, **({"results": results} if results else {})}]}


def _window_url(request: GraphRequest, window: Window) -> str:
    moments = {"since": int(window.since.timestamp()), "until": int(window.until.timestamp())}
    params = {name: value for name, value in request.params.items() if name not in ("since", "until")}
    params.setdefault("access_token", request.token_text or "")
    return f"{request.base_url}/{request.version}/{request.path}?{urlencode({**params, **moments})}"
