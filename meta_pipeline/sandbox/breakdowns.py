"""How a total falls apart by breakdown: every part is a whole number and the parts add up (graph-api.md §2.3)."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.facts import NOTHING, Fact
from meta_pipeline.sandbox.hours import LABELS, QUARTERS, quarters_of
from meta_pipeline.sandbox.nouns import Entity
from meta_pipeline.sandbox.world import World

ADVERTISER_HOUR = "hourly_stats_aggregated_by_advertiser_time_zone"
AUDIENCE_HOUR = "hourly_stats_aggregated_by_audience_time_zone"
VALUES: dict[str, tuple[str, ...]] = {
    "age": ("18-24", "25-34", "35-44", "45-54", "55-64", "65+"),
    "gender": ("female", "male", "unknown"),
    "country": ("US", "DE", "GB", "JP", "NZ"),
    "region": ("California", "Bavaria", "England", "Tokyo", "Auckland"),
    "publisher_platform": ("facebook", "instagram", "audience_network"),
    "platform_position": ("feed", "facebook_reels", "instagram_reels", "instagram_stories"),
    "device_platform": ("mobile_app", "mobile_web", "desktop"),
    "impression_device": ("desktop", "iphone", "ipad", "android_smartphone", "android_tablet", "other"),
    "product_id": ("8001, Trail shoe", "8002, Rain jacket", "8003, Camping stove", "8004, Café crème mug"),
    "frequency_value": ("1", "2", "3", "4", "5", "6-10", "11+"),
    ADVERTISER_HOUR: LABELS,
    AUDIENCE_HOUR: LABELS,
}
COMBINATIONS = {
    frozenset(names)
    for names in (
        ("age",), ("gender",), ("age", "gender"), ("country",), ("region",), ("country", "region"),
        ("publisher_platform",), ("publisher_platform", "platform_position"),
        ("publisher_platform", "impression_device"), ("publisher_platform", "platform_position", "impression_device"),
        ("device_platform",), ("impression_device", "device_platform"), ("product_id",), ("frequency_value",),
        (ADVERTISER_HOUR,), (AUDIENCE_HOUR,),
    )
}
# Meta gives these to accounts that opted in, through report runs only (graph-api.md §2.7).
GATED = frozenset(("impression_device", "frequency_value", AUDIENCE_HOUR))
HOURLY = frozenset((ADVERTISER_HOUR, AUDIENCE_HOUR))
# Conversions that happen off Meta are not told by these; by product they are told of no product.
WITHOUT_CONVERSIONS = HOURLY | {"region"}
# A position belongs to a platform: the others don't occur.
_PLACED = {
    "facebook": {"feed", "facebook_reels"},
    "instagram": {"feed", "instagram_reels", "instagram_stories"},
    "audience_network": {"feed"},
}
Values = tuple[str | None, ...]


class Plan(NamedTuple):
    """How an ad's delivery falls on the values: `upto` are running sums of weights, the last one their total."""

    values: list[Values]
    upto: list[int]


class Splits:
    """The facts of one world, taken apart."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._plan = functools.lru_cache(maxsize=20_000)(self._planned)

    def split(
        self, ad: Entity, day: dt.date, fact: Fact, breakdowns: tuple[str, ...], *, zone: ZoneInfo
    ) -> Iterator[tuple[Values, Fact]]:
        """The parts of one day's fact; where nothing at all falls there is none. Hourly parts have no reach."""
        hours = quarters_of(zone, day) if ADVERTISER_HOUR in breakdowns else None
        options = self.world.options
        most = tuple(options.breakdown_values.get(name) for name in breakdowns)
        values, upto = self._plan(ad.id, breakdowns, most, hours, options.absent_breakdowns)
        is_hourly = not HOURLY.isdisjoint(breakdowns)
        all_impressions, clicks, link_clicks, spend, purchases, value, all_reach = fact
        per_purchase = value // purchases if purchases else 0
        if not WITHOUT_CONVERSIONS.isdisjoint(breakdowns):
            purchases = 0
        if "product_id" in breakdowns and purchases:
            yield (None,) * len(breakdowns), NOTHING._replace(purchases=purchases, value=value)
            purchases = 0
        total = upto[-1]
        given = (0, 0, 0, 0, 0)
        for these, running in zip(values, upto, strict=True):
            reached = (
                all_impressions * running // total, clicks * running // total, link_clicks * running // total,
                spend * running // total, purchases * running // total,
            )
            if reached == given:
                continue
            impressions = reached[0] - given[0]
            reach = 0 if is_hourly or not impressions else max(1, min(impressions, all_reach * impressions * 11 // (
                10 * all_impressions)))
            bought = reached[4] - given[4]
            yield these, Fact(
                impressions, reached[1] - given[1], reached[2] - given[2], reached[3] - given[3], bought,
                per_purchase * bought, reach,
            )
            given = reached

    def _planned(
        self, ad_id: str, breakdowns: tuple[str, ...], most: tuple[int | None, ...], hours: tuple[int, ...] | None,
        has_unknown: bool,
    ) -> Plan:
        found: list[Values] = []
        weights: list[int] = []
        for known in itertools.product(*(VALUES[name][:count] for name, count in zip(breakdowns, most, strict=True))):
            if not _occurs(dict(zip(breakdowns, known, strict=True))):
                continue
            weight = self.world.weight(ad_id, known)
            if hours is not None:
                weight = weight * hours[LABELS.index(known[breakdowns.index(ADVERTISER_HOUR)])] // QUARTERS
            if weight:
                found.append(known)
                weights.append(weight)
        if has_unknown and HOURLY.isdisjoint(breakdowns) and "product_id" not in breakdowns:
            for values in _unknown(found, breakdowns):
                found.append(values)
                weights.append(1 + self.world.weight(ad_id, tuple(map(str, values))) // 10)
        return Plan(found, list(itertools.accumulate(weights)))


def _unknown(known: Sequence[Values], breakdowns: tuple[str, ...]) -> list[Values]:
    """The same values with one or more of them missing, each once. Without a platform there is no position."""
    found: dict[Values, None] = {}
    for values in known:
        for kept in itertools.product((True, False), repeat=len(values)):
            partly = tuple(value if keep else None for value, keep in zip(values, kept, strict=True))
            named = dict(zip(breakdowns, partly, strict=True))
            if not all(kept) and not (named.get("platform_position") and not named["publisher_platform"]):
                found[partly] = None
    return list(found)


def _occurs(values: dict[str, str]) -> bool:
    platform, position = values.get("publisher_platform"), values.get("platform_position")
    return not (platform and position) or position in _PLACED[platform]

