"""How Meta writes a row: numbers as strings, what has no value is absent (graph-api.md §2.2, §2.5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

from meta_pipeline.sandbox.breakdowns import HOURLY
from meta_pipeline.sandbox.drift import drifted
from meta_pipeline.sandbox.facts import money
from meta_pipeline.sandbox.insights import Row, total
from meta_pipeline.sandbox.query import Query

_iso = functools.lru_cache(maxsize=4096)(dt.date.isoformat)
_PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")


class Writer:
    """Writes the rows of one query; what a row says of its ad is looked up once per ad."""

    def __init__(self, query: Query, drift: frozenset[str] = frozenset()) -> None:
        self.query, self.drift = query, drift
        names = [name for name in query.fields if FIELD_DEPTH.get(name, 0) <= query.depth]
        if not HOURLY.isdisjoint(query.breakdowns):
            names = [name for name in names if not name.startswith("unique_")]
        split_at = next((n for n, name in enumerate(names) if name not in IDENTITY), len(names))
        self._first = [(name, IDENTITY[name]) for name in names[:split_at]]
        self._then = [(name, IDENTITY.get(name) or MEASURES[name]) for name in names[split_at:]]
        self._said: dict[str, dict[str, Any]] = {}

    def __call__(self, row: Row) -> dict[str, Any]:
        """The row as Meta writes it."""
        said = self._said.get(row.ad.id)
        if said is None:
            said = self._said[row.ad.id] = {name: write(row, self.query) for name, write in self._first}
        shown = said.copy()
        for name, write in self._then:
            value = write(row, self.query)
            if value is not None and value != []:
                shown[name] = value
        for breakdown, value in zip(self.query.breakdowns, row.values, strict=False):
            if value is not None:
                shown[breakdown] = value
        shown["date_start"], shown["date_stop"] = _iso(row.since), _iso(row.until)
        return drifted(shown, self.drift) if self.drift else shown


def _ratio(top: int, bottom: int, times: int = 1) -> str | None:
    """Six decimals, halves upwards."""
    if not bottom:
        return None
    millionths = (2 * top * times * 1_000_000 + bottom) // (2 * bottom)
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def _rate(top: int, bottom: int) -> str | None:
    """Money per thing, from millionths."""
    return _ratio(top, bottom * 1_000_000)


def _count(value: int) -> str | None:
    return str(value) if value else None


def _frequency(row: Row, query: Query) -> str | None:
    """0 by the hour (graph-api.md §2.3)."""
    return "0" if not HOURLY.isdisjoint(query.breakdowns) else _ratio(row.fact.impressions, row.fact.reach)


def _numbers(value: int, view: int, query: Query, write: Callable[[int], str] = str) -> dict[str, str]:
    """The value of an action and what of it belongs to the windows that were asked for."""
    numbers = {"value": write(value)}
    if not query.windows:
        return numbers
    per_window = {"1d_view": view, "1d_click": (value - view) * 7 // 10, "7d_click": value - view,
                  "28d_click": value - view}
    for window in query.windows:
        if per_window.get(window):
            numbers[window] = write(per_window[window])
    return numbers


def _by_purchase(value: int, query: Query, write: Callable[[int], str] = str) -> list[dict[str, str]]:
    if not value:
        return []
    numbers = _numbers(value, value // 5, query, write)
    return [{"action_type": kind, **numbers} for kind in _PURCHASES]


def _actions(row: Row, query: Query) -> list[dict[str, str]]:
    fact = row.fact
    clicks = [{"action_type": "link_click", **_numbers(fact.link_clicks, 0, query)}] if fact.link_clicks else []
    return clicks + _by_purchase(fact.purchases, query)


def _action_values(row: Row, query: Query) -> list[dict[str, str]]:
    return _by_purchase(row.fact.value, query, money)


def _roas(row: Row, _: Query) -> list[dict[str, str]]:
    value = _ratio(row.fact.value, row.fact.spend) if row.fact.value else None
    return [{"action_type": "omni_purchase", "value": value}] if value else []


FIELD_DEPTH = {
    "campaign_id": 1, "campaign_name": 1, "objective": 1, "adset_id": 2, "adset_name": 2, "ad_id": 3, "ad_name": 3,
}
Write = Callable[[Row, Query], Any]
# What is the same in all rows of a thing.
IDENTITY: dict[str, Write] = {
    "account_id": lambda row, _: row.account.id,
    "account_name": lambda row, _: row.account.name,
    "account_currency": lambda row, _: row.account.currency,
    "campaign_id": lambda row, _: row.ad.parents[0].id,
    "campaign_name": lambda row, _: row.ad.parents[0].name,
    "objective": lambda row, _: "OUTCOME_SALES",
    "adset_id": lambda row, _: row.ad.parents[1].id,
    "adset_name": lambda row, _: row.ad.parents[1].name,
    "ad_id": lambda row, _: row.ad.id,
    "ad_name": lambda row, _: row.ad.name,
    "attribution_setting": lambda row, _: "7d_click_1d_view",
}
MEASURES: dict[str, Write] = {
    "date_start": lambda row, _: _iso(row.since),
    "date_stop": lambda row, _: _iso(row.until),
    "impressions": lambda row, _: str(row.fact.impressions),
    "reach": lambda row, _: str(row.fact.reach),
    "frequency": _frequency,
    "clicks": lambda row, _: str(row.fact.clicks),
    "unique_clicks": lambda row, _: _count(row.fact.clicks * 95 // 100),
    "inline_link_clicks": lambda row, _: _count(row.fact.link_clicks),
    "spend": lambda row, _: money(row.fact.spend),
    "cpc": lambda row, _: _rate(row.fact.spend, row.fact.clicks),
    "cpm": lambda row, _: _ratio(row.fact.spend, row.fact.impressions * 1_000),
    "cpp": lambda row, _: _ratio(row.fact.spend, row.fact.reach * 1_000),
    "ctr": lambda row, _: _ratio(row.fact.clicks, row.fact.impressions, 100),
    "inline_link_click_ctr": lambda row, _: _ratio(row.fact.link_clicks, row.fact.impressions, 100),
    "cost_per_inline_link_click": lambda row, _: _rate(row.fact.spend, row.fact.link_clicks),
    "actions": _actions,
    "action_values": _action_values,
    "purchase_roas": _roas,
}
FIELDS = {*IDENTITY, *MEASURES}


def summary(found: list[Row], query: Query) -> dict[str, Any]:
    """Totals over the whole result, not the page."""
    if not found:
        return {}
    names = [name for name in query.fields if name not in FIELD_DEPTH]
    return Writer(dataclasses.replace(query, level="account", fields=names, breakdowns=()))(total(found, query))
