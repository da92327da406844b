"""Delivery as whole numbers that add up; money in millionths of the account's currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ZERO_DECIMAL = frozenset(("JPY", "KRW", "CLP", "ISK", "VND"))
THREE_DECIMALS = frozenset(("KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"))


class Delivery(NamedTuple):
    """The delivery of one ad, or of several: all of it adds up except `reach`; `spend` and `value` in millionths."""

    impressions: int = 0
    clicks: int = 0
    link_clicks: int = 0
    spend: int = 0
    purchases: int = 0
    value: int = 0
    reach: int = 0


NO_DELIVERY = Delivery()


def sum_deliveries(deliveries: Sequence[Delivery]) -> Delivery:
    """Return the sum. Reach counts people, who overlap: it is at least the largest part and less than the sum."""
    if len(deliveries) == 1:
        return deliveries[0]
    if not deliveries:
        return NO_DELIVERY
    impressions, clicks, link_clicks, spend, purchases, value, reaches = zip(*deliveries, strict=True)
    return Delivery(
        sum(impressions), sum(clicks), sum(link_clicks), sum(spend), sum(purchases), sum(value),
        max(*reaches, sum(reaches) * 72 // 100),
    )


def sum_over_days(dated: Iterable[tuple[dt.date, Delivery]]) -> Delivery:
    """Return the sum over several days: the reach of each day first, then of the days together."""
    days: dict[dt.date, list[Delivery]] = {}
    for day, delivery in dated:
        days.setdefault(day, []).append(delivery)
    return sum_deliveries([sum_deliveries(of_day) for of_day in days.values()])


def format_money(millionths: int) -> str:
    """Format an amount as Meta does: a decimal string without trailing zeros."""
    whole, rest = divmod(millionths, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".") if rest else str(whole)


def minor_units(currency: str) -> int:
    """Return how many minor units make one unit of a currency: budgets are in minor units (docs/graph-api.md §9)."""
    return 1 if currency in ZERO_DECIMAL else 1000 if currency in THREE_DECIMALS else 100
