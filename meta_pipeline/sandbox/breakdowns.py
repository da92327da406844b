"""How a total falls apart by breakdown: every part is a whole number and the parts add up (graph-api.md §2.3)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from meta_pipeline.sandbox.world import Fact

VALUES: dict[str, tuple[str, ...]] = {
    "age": ("18-24", "25-34", "35-44", "45-54", "55-64", "65+"),
    "gender": ("female", "male", "unknown"),
    "country": ("US", "DE", "GB", "JP", "NZ"),
    "region": ("California", "Bavaria", "England", "Tokyo", "Auckland"),
    "publisher_platform": ("facebook", "instagram", "audience_network"),
    "platform_position": ("feed", "facebook_reels", "instagram_reels", "instagram_stories"),
    "device_platform": ("mobile_app", "mobile_web", "desktop"),
    "hourly_stats_aggregated_by_advertiser_time_zone": tuple(f"{h:02d}:00:00 - {h:02d}:59:59" for h in range(24)),
}
COMBINATIONS = {
    frozenset(names)
    for names in (
        ("age",), ("gender",), ("age", "gender"), ("country",), ("region",), ("publisher_platform",),
        ("publisher_platform", "platform_position"), ("device_platform",),
        ("hourly_stats_aggregated_by_advertiser_time_zone",), ("country", "region"),
    )
}
# A position belongs to a platform: the others don't occur.
_PLACED = {
    "facebook": {"feed", "facebook_reels"},
    "instagram": {"feed", "instagram_reels", "instagram_stories"},
    "audience_network": {"feed"},
}


def split(
    fact: Fact, breakdowns: Sequence[str], ad_id: str, roll: Callable[..., int]
) -> Iterator[tuple[tuple[str, ...], Fact]]:
    """The parts of one day's fact. Hourly parts have no reach."""
    combinations = [
        values
        for values in itertools.product(*(VALUES[name] for name in breakdowns))
        if _occurs(dict(zip(breakdowns, values, strict=True)))
    ]
    weights = [1 + roll(ad_id, "split", *values) % 100 for values in combinations]
    is_hourly = any(name.startswith("hourly") for name in breakdowns)
    whole = (fact.impressions, fact.clicks, fact.link_clicks, fact.spend, fact.purchases)
    columns = [_shares(number, weights) for number in whole]
    per_purchase = fact.value // fact.purchases if fact.purchases else 0
    for index, values in enumerate(combinations):
        impressions, clicks, link_clicks, spend, purchases = (column[index] for column in columns)
        reach = 0 if is_hourly or not impressions else max(1, min(impressions, fact.reach * impressions * 11 // (
            10 * max(1, fact.impressions))))
        yield values, Fact(impressions, clicks, link_clicks, spend, purchases, per_purchase * purchases, reach)


def _occurs(values: dict[str, str]) -> bool:
    platform, position = values.get("publisher_platform"), values.get("platform_position")
    return not (platform and position) or position in _PLACED[platform]


def _shares(number: int, weights: Sequence[int]) -> list[int]:
    total, running, given, shares = sum(weights), 0, 0, []
    for weight in weights:
        running += weight
        upto = number * running // total
        shares.append(upto - given)
        given = upto
    return shares
