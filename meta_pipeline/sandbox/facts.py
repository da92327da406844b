"""What ads did, as whole numbers that add up; money in millionths of the account's currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ZERO_DECIMAL = frozenset(("JPY", "KRW", "CLP", "ISK", "VND"))
THREE_DECIMALS = frozenset(("KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"))


class Fact(NamedTuple):
    """What one ad did: additive, except `reach`; `spend` and `value` in millionths."""

    impressions: int = 0
    clicks: int = 0
    link_clicks: int = 0
    spend: int = 0
    purchases: int = 0
    value: int = 0
    reach: int = 0


NOTHING = Fact()


def added(facts: Sequence[Fact]) -> Fact:
    """The sum of facts; reach is of people, who overlap: at least the largest part, less than the sum."""
    if len(facts) == 1:
        return facts[0]
    if not facts:
        return NOTHING
    impressions, clicks, link_clicks, spend, purchases, value, reaches = zip(*facts, strict=True)
    return Fact(
        sum(impressions), sum(clicks), sum(link_clicks), sum(spend), sum(purchases), sum(value),
        max(*reaches, sum(reaches) * 72 // 100),
    )


def added_over_days(facts: Iterable[tuple[dt.date, Fact]]) -> Fact:
    """The sum of facts of several days: the people of a day are counted first, then those who came back."""
    days: dict[dt.date, list[Fact]] = {}
    for day, fact in facts:
        days.setdefault(day, []).append(fact)
    return added([added(of_day) for of_day in days.values()])


def money(millionths: int) -> str:
    """An amount as Meta writes it: a decimal string, no more digits than it has."""
    whole, rest = divmod(millionths, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".") if rest else str(whole)


def minor_units(currency: str) -> int:
    """How many of a currency's smallest units make one of it: budgets are written in these (graph-api.md §9)."""
    return 1 if currency in ZERO_DECIMAL else 1000 if currency in THREE_DECIMALS else 100
