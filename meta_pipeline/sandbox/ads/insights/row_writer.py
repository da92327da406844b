"""Rows as Meta writes them: numbers as strings, fields without a value absent (docs/graph-api.md §2.2, §2.5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any

from meta_pipeline.sandbox.ads.custom_conversions import first_custom_conversion
from meta_pipeline.sandbox.ads.insights.breakdowns import HOURLY
from meta_pipeline.sandbox.ads.insights.drift import apply_drift
from meta_pipeline.sandbox.ads.insights.query import Query
from meta_pipeline.sandbox.ads.insights.rows import InsightsRow, total_row
from meta_pipeline.sandbox.world.delivery import format_money

_iso = functools.lru_cache(maxsize=4096)(dt.date.isoformat)
FieldWriter = Callable[[InsightsRow, Query], Any]
RANKINGS = ("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking")
_RANKS = ("ABOVE_AVERAGE", "AVERAGE", "BELOW_AVERAGE_35", "BELOW_AVERAGE_20", "BELOW_AVERAGE_10")
_NOT_BY_REGION = re.compile("video_avg_|video_p[0-9]")
_PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")


class RowWriter:
    """Writes the rows of one query. The leading fields that describe the ad are computed once per ad."""

    def __init__(self, query: Query, drift: frozenset[str] = frozenset()) -> None:
        self.query, self.drift = query, drift
        names = [name for name in query.fields if FIELD_DEPTH.get(name, 0) <= query.depth]
        names = [name for name in names if not _is_withheld(name, query.breakdowns)]
        split_at = next((n for n, name in enumerate(names) if name not in IDENTITY), len(names))
        self._per_ad = [(name, IDENTITY[name]) for name in names[:split_at]]
        self._per_row = [(name, IDENTITY.get(name) or METRICS[name]) for name in names[split_at:]]
        self._ad_fields: dict[str, dict[str, Any]] = {}

    def __call__(self, row: InsightsRow) -> dict[str, Any]:
        """Return the row as JSON."""
        ad_fields = self._ad_fields.get(row.ad.id)
        if ad_fields is None:
            ad_fields = {name: write(row, self.query) for name, write in self._per_ad}
            self._ad_fields[row.ad.id] = ad_fields
        fields = ad_fields.copy()
        for name, write in self._per_row:
            value = write(row, self.query)
            if value is not None and value != []:
                fields[name] = value
        for breakdown, value in zip(self.query.breakdowns, row.values, strict=False):
            if value is not None:
                fields[breakdown] = value
        fields["date_start"], fields["date_stop"] = _iso(row.since), _iso(row.until)
        return apply_drift(fields, self.drift) if self.drift else fields


def _is_withheld(name: str, breakdowns: tuple[str, ...]) -> bool:
    """Check for a field that Meta leaves out with these breakdowns (docs/graph-api.md §2.3)."""
    if not HOURLY.isdisjoint(breakdowns) and name.startswith(("unique_", "video_")):
        return True
    if "region" in breakdowns and _NOT_BY_REGION.match(name):
        return True
    return bool(breakdowns) and name in RANKINGS


def summarize(rows: list[InsightsRow], query: Query) -> dict[str, Any]:
    """Return the totals over the whole result, not only the page."""
    if not rows:
        return {}
    names = [name for name in query.fields if name not in FIELD_DEPTH]
    account_query = dataclasses.replace(query, level="account", fields=names, breakdowns=())
    return RowWriter(account_query)(total_row(rows, query))


def _ratio(numerator: int, denominator: int, factor: int = 1) -> str | None:
    """Return a quotient with six decimals, rounded half up."""
    if not denominator:
        return None
    millionths = (2 * numerator * factor * 1_000_000 + denominator) // (2 * denominator)
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def _cost_per(millionths: int, count: int) -> str | None:
    return _ratio(millionths, count * 1_000_000)


def _positive(value: int) -> str | None:
    return str(value) if value else None


def _frequency(row: InsightsRow, query: Query) -> str | None:
    """Return impressions per person; 0 in an hour (docs/graph-api.md §2.3)."""
    return "0" if not HOURLY.isdisjoint(query.breakdowns) else _ratio(row.delivery.impressions, row.delivery.reach)


def _by_window(value: int, after_view: int, query: Query, write: Callable[[int], str] = str) -> dict[str, str]:
    """Return an action's value, and the parts of it in the requested attribution windows."""
    numbers = {"value": write(value)}
    if not query.windows:
        return numbers
    after_click = value - after_view
    per_window = {
        "1d_view": after_view, "1d_click": after_click * 7 // 10, "7d_click": after_click, "28d_click": after_click,
    }
    for window in query.windows:
        if per_window.get(window):
            numbers[window] = write(per_window[window])
    return numbers


def _purchase_actions(value: int, query: Query, write: Callable[[int], str] = str) -> list[dict[str, str]]:
    if not value:
        return []
    numbers = _by_window(value, value // 5, query, write)
    return [{"action_type": action_type, **numbers} for action_type in _PURCHASES]


def _actions(row: InsightsRow, query: Query) -> list[dict[str, str]]:
    purchases, link_clicks = row.delivery.purchases, row.delivery.link_clicks
    funnel = row.funnel
    counts = {
        "link_click": link_clicks, "video_view": funnel.views_3s, "landing_page_view": funnel.landing_page_views,
    }
    actions = [{"action_type": name, **_by_window(count, 0, query)} for name, count in counts.items() if count]
    return actions + _purchase_actions(purchases, query) + _custom_conversions(row, query)


def _custom_conversions(row: InsightsRow, query: Query) -> list[dict[str, str]]:
    count = row.funnel.custom_conversions
    action_type = f"offsite_conversion.custom.{first_custom_conversion(row.account)}"
    return [{"action_type": action_type, **_by_window(count, count // 5, query)}] if count else []


def _action_values(row: InsightsRow, query: Query) -> list[dict[str, str]]:
    return _purchase_actions(row.delivery.value, query, format_money)


def _roas(row: InsightsRow, _: Query) -> list[dict[str, str]]:
    value = _ratio(row.delivery.value, row.delivery.spend) if row.delivery.value else None
    return [{"action_type": "omni_purchase", "value": value}] if value else []


def _video(step: str) -> FieldWriter:
    """Return the writer of a field that counts video views, as a list of one action object."""
    def write(row: InsightsRow, _: Query) -> list[dict[str, str]]:
        count = getattr(row.funnel, step)
        return [{"action_type": "video_view", "value": str(count)}] if count else []

    return write


def _average_watched(row: InsightsRow, _: Query) -> list[dict[str, str]]:
    """Return the seconds that a play lasted on average, a whole number."""
    plays = row.funnel.plays
    seconds = (2 * row.funnel.watched_ms + 1000 * plays) // (2000 * plays) if plays else 0
    return [{"action_type": "video_view", "value": str(seconds)}] if seconds else []


def _outbound(per_cent: int) -> FieldWriter:
    def write(row: InsightsRow, _: Query) -> list[dict[str, str]]:
        count = row.funnel.outbound_clicks * per_cent // 100
        return [{"action_type": "outbound_click", "value": str(count)}] if count else []

    return write


def _ranking(name: str) -> FieldWriter:
    def write(row: InsightsRow, _: Query) -> str:
        """Return how the ad compares; `UNKNOWN` below 500 impressions (docs/graph-api.md §2.5)."""
        if row.delivery.impressions < 500:
            return "UNKNOWN"
        digest = hashlib.blake2b(f"{row.ad.id}|{row.until}|{name}".encode(), digest_size=1).digest()
        return _RANKS[digest[0] % len(_RANKS)]

    return write


# The first level at which a field has a value.
FIELD_DEPTH = {
    "campaign_id": 1, "campaign_name": 1, "objective": 1, "adset_id": 2, "adset_name": 2, "ad_id": 3, "ad_name": 3,
    "quality_ranking": 3, "engagement_rate_ranking": 3, "conversion_rate_ranking": 3,
}
# Fields that are the same in all rows of a node.
IDENTITY: dict[str, FieldWriter] = {
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
METRICS: dict[str, FieldWriter] = {
    "date_start": lambda row, _: _iso(row.since),
    "date_stop": lambda row, _: _iso(row.until),
    "impressions": lambda row, _: str(row.delivery.impressions),
    "reach": lambda row, _: str(row.delivery.reach),
    "frequency": _frequency,
    "clicks": lambda row, _: str(row.delivery.clicks),
    "unique_clicks": lambda row, _: _positive(row.delivery.clicks * 95 // 100),
    "inline_link_clicks": lambda row, _: _positive(row.delivery.link_clicks),
    "unique_inline_link_clicks": lambda row, _: _positive(row.delivery.link_clicks * 97 // 100),
    "outbound_clicks": _outbound(100),
    "unique_outbound_clicks": _outbound(96),
    "spend": lambda row, _: format_money(row.delivery.spend),
    "cpc": lambda row, _: _cost_per(row.delivery.spend, row.delivery.clicks),
    "cpm": lambda row, _: _ratio(row.delivery.spend, row.delivery.impressions * 1_000),
    "cpp": lambda row, _: _ratio(row.delivery.spend, row.delivery.reach * 1_000),
    "ctr": lambda row, _: _ratio(row.delivery.clicks, row.delivery.impressions, 100),
    "inline_link_click_ctr": lambda row, _: _ratio(row.delivery.link_clicks, row.delivery.impressions, 100),
    "cost_per_inline_link_click": lambda row, _: _cost_per(row.delivery.spend, row.delivery.link_clicks),
    "actions": _actions,
    "action_values": _action_values,
    "purchase_roas": _roas,
    "video_play_actions": _video("plays"),
    "video_thruplay_watched_actions": _video("thruplays"),
    "video_30_sec_watched_actions": _video("views_30s"),
    **{f"video_p{share}_watched_actions": _video(f"p{share}") for share in (25, 50, 75, 95, 100)},
    "video_avg_time_watched_actions": _average_watched,
    **{name: _ranking(name) for name in RANKINGS},
}
FIELDS = {*IDENTITY, *METRICS}
