"""Sums of measures, and rates. A rate is computed from its own sums, never averaged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# The columns that `Totals` is made of, in its order.
MEASURES = ("spend", "impressions", "clicks_all", "link_clicks", "conversions", "conversions_value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Measures of rows in one currency; None where no row has the measure."""

    spend: Decimal | None = None
    impressions: int | None = None
    clicks_all: int | None = None
    link_clicks: int | None = None
    conversions: Decimal | None = None
    conversions_value: Decimal | None = None

    @property
    def roas(self) -> Decimal | None:
        """Return the value of conversions per unit of spend."""
        return ratio(self.conversions_value, self.spend)

    @property
    def cpa(self) -> Decimal | None:
        """Return the spend per conversion."""
        return ratio(self.spend, self.conversions)

    @property
    def ctr(self) -> Decimal | None:
        """Return all clicks per hundred impressions, as Meta defines it."""
        share = ratio(self.clicks_all, self.impressions)
        return None if share is None else share * 100

    @property
    def cpc(self) -> Decimal | None:
        """Return the spend per click of any kind, as Meta defines it."""
        return ratio(self.spend, self.clicks_all)


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """Return `part / whole`; None where either is missing or the whole is 0."""
    return Decimal(part) / Decimal(whole) if part is not None and whole else None


def change(current: Decimal | int | None, previous: Decimal | int | None) -> Decimal | None:
    """Return the relative change, 0.1 for 10 % more; None where there is nothing to compare with."""
    share = ratio(current, previous)
    return None if share is None else share - 1


def minus(whole: Totals, part: Totals) -> Totals:
    """Return what is left of `whole` without `part`."""
    rest = {}
    for name in MEASURES:
        total, taken = getattr(whole, name), getattr(part, name)
        rest[name] = None if total is None else total - (taken or 0)
    return Totals(**rest)
