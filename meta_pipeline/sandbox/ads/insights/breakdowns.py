"""Split deliveries by breakdown: every part is a whole number and the parts add up (docs/graph-api.md §2.3)."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from meta_pipeline.sandbox.ads.insights.local_hours import LABELS, QUARTERS_PER_HOUR, quarters_by_hour
from meta_pipeline.sandbox.world.delivery import NO_DELIVERY, Delivery
from meta_pipeline.sandbox.world.entities import Entity
from meta_pipeline.sandbox.world.world import World

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
# Meta returns these to accounts that opted in, through report runs only (docs/graph-api.md §2.7).
GATED = frozenset(("impression_device", "frequency_value", AUDIENCE_HOUR))
HOURLY = frozenset((ADVERTISER_HOUR, AUDIENCE_HOUR))
# Rows with these have no conversions off Meta; in rows by product, such conversions have no product.
WITHOUT_CONVERSIONS = HOURLY | {"region"}
# The positions of each platform; other combinations do not occur.
_POSITIONS = {
    "facebook": {"feed", "facebook_reels"},
    "instagram": {"feed", "instagram_reels", "instagram_stories"},
    "audience_network": {"feed"},
}
# The values of a row's breakdowns, None where Meta leaves the key out.
Values = tuple[str | None, ...]


class SplitPlan(NamedTuple):
    """The distribution of an ad's delivery over the values; the last of the running sums of weights is their total."""

    values: list[Values]
    running_weights: list[int]


class BreakdownSplitter:
    """Splits the deliveries of one world by breakdown."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._plan = functools.lru_cache(maxsize=20_000)(self._split_plan)

    def split(
        self, ad: Entity, day: dt.date, delivery: Delivery, breakdowns: tuple[str, ...], *, zone: ZoneInfo
    ) -> Iterator[tuple[Values, Delivery]]:
        """Yield the parts of one day's delivery that are not empty. Hourly parts have no reach."""
        hours = quarters_by_hour(zone, day) if ADVERTISER_HOUR in breakdowns else None
        options = self.world.options
        max_counts = tuple(options.breakdown_values.get(name) for name in breakdowns)
        all_values, running_weights = self._plan(ad.id, breakdowns, max_counts, hours, options.absent_breakdowns)
        has_reach = HOURLY.isdisjoint(breakdowns)
        all_impressions, clicks, link_clicks, spend, purchases, value, all_reach = delivery
        per_purchase = value // purchases if purchases else 0
        if not WITHOUT_CONVERSIONS.isdisjoint(breakdowns):
            purchases = 0
        if "product_id" in breakdowns and purchases:
            yield (None,) * len(breakdowns), NO_DELIVERY._replace(purchases=purchases, value=value)
            purchases = 0
        total_weight = running_weights[-1]
        before = (0, 0, 0, 0, 0)
        for values, running in zip(all_values, running_weights, strict=True):
            upto = (
                all_impressions * running // total_weight, clicks * running // total_weight,
                link_clicks * running // total_weight, spend * running // total_weight,
                purchases * running // total_weight,
            )
            if upto == before:
                continue
            impressions, bought = upto[0] - before[0], upto[4] - before[4]
            reach = 0
            if has_reach and impressions:
                reach = max(1, min(impressions, all_reach * impressions * 11 // (10 * all_impressions)))
            yield values, Delivery(
                impressions, upto[1] - before[1], upto[2] - before[2], upto[3] - before[3], bought,
                per_purchase * bought, reach,
            )
            before = upto

    def _split_plan(
        self, ad_id: str, breakdowns: tuple[str, ...], max_counts: tuple[int | None, ...],
        hours: tuple[int, ...] | None, has_absent: bool,
    ) -> SplitPlan:
        plan_values: list[Values] = []
        weights: list[int] = []
        choices = [VALUES[name][:count] for name, count in zip(breakdowns, max_counts, strict=True)]
        for values in itertools.product(*choices):
            if not _occurs(dict(zip(breakdowns, values, strict=True))):
                continue
            weight = self.world.weight(ad_id, values)
            if hours is not None:
                label = values[breakdowns.index(ADVERTISER_HOUR)]
                weight = weight * hours[LABELS.index(label)] // QUARTERS_PER_HOUR
            if weight:
                plan_values.append(values)
                weights.append(weight)
        if has_absent and HOURLY.isdisjoint(breakdowns) and "product_id" not in breakdowns:
            for partial in _with_absent_values(plan_values, breakdowns):
                plan_values.append(partial)
                weights.append(1 + self.world.weight(ad_id, tuple(map(str, partial))) // 10)
        return SplitPlan(plan_values, list(itertools.accumulate(weights)))


def _with_absent_values(complete: Sequence[Values], breakdowns: tuple[str, ...]) -> list[Values]:
    """Return the same values with some or all of them absent, each once. Without a platform there is no position."""
    partials: dict[Values, None] = {}
    for values in complete:
        for mask in itertools.product((True, False), repeat=len(values)):
            partial = tuple(value if is_present else None for value, is_present in zip(values, mask, strict=True))
            by_name = dict(zip(breakdowns, partial, strict=True))
            if not all(mask) and not (by_name.get("platform_position") and not by_name["publisher_platform"]):
                partials[partial] = None
    return list(partials)


def _occurs(values: dict[str, str]) -> bool:
    platform, position = values.get("publisher_platform"), values.get("platform_position")
    return not (platform and position) or position in _POSITIONS[platform]
