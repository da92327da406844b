"""Figures, days and texts as the page shows them. A text from Graph is one line of bounded length; the
template escapes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from meta_pipeline import money
from meta_pipeline.display import printable
from meta_pipeline.report.document import Line
from meta_pipeline.report.marts import totals
from meta_pipeline.report.marts.restatement import AgeChange, Spread
from meta_pipeline.report.period import Period
from meta_pipeline.report.sections import readable

Number = Decimal | int
MISSING = "–"


def short(text: object, limit: int) -> str:
    """Return a text on one line, cut after `limit` characters."""
    return printable(text, limit=limit)


def exact(value: Number) -> str:
    """Return every digit of a number."""
    return money.plain(Decimal(value))


def amount(value: Decimal | None, currency: str) -> str:
    """Return an amount with the decimals of its currency."""
    return MISSING if value is None else money.amount(value, currency)


def whole(value: Number | None) -> str:
    """Return a count with thousands separators, without decimals."""
    return MISSING if value is None else f"{value:,.0f}"


def decimals(value: Decimal | None) -> str:
    """Return a rate with two decimals."""
    return MISSING if value is None else f"{value:,.2f}"


def percent(value: Decimal | None) -> str:
    """Return a rate in percent, such as CTR."""
    return MISSING if value is None else f"{value:.2f} %"


def signed(relative: Decimal) -> str:
    """Return a relative change as a signed percentage; a huge one as a factor."""
    if relative >= 10:
        return f"× {relative + 1:,.0f}"
    text = f"{abs(relative) * 100:.1f} %"
    return text if text == "0.0 %" else f"{'+' if relative > 0 else '−'}{text}"


def day(value: dt.date) -> str:
    """Return a day without its year."""
    return f"{value.day} {value:%b}"


def long_day(value: dt.date) -> str:
    """Return a day with its weekday and year."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def moment(value: dt.datetime) -> str:
    """Return a moment in UTC."""
    return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def period(value: Period) -> str:
    """Return the days of a period, with the year once if both are in the same year."""
    since = day(value.since) + ("" if value.since.year == value.until.year else f" {value.since.year}")
    return f"{since} – {day(value.until)} {value.until.year}"


def partial(days: Period, whole_period: Period) -> str:
    """Return a sentence that says which days of the report a breakdown has."""
    if days.since <= whole_period.since and days.until >= whole_period.until:
        return "All days of the period."
    if days.length == 1:
        return f"Read for {day(days.since)} only, not for the whole period."
    return f"Read for {day(days.since)} – {day(days.until)} only, not for the whole period."


def counted(number: int, singular: str, plural: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {singular if number == 1 else plural}"


def ages(change: AgeChange) -> str:
    """Return the ages of days that a change is about."""
    if change.until_age == 0:
        return "not ended yet"
    if change.since_age == change.until_age:
        return counted(change.since_age, "day", "days")
    return f"{change.since_age}–{change.until_age} days"


def spread(value: Spread | None) -> str:
    """Return the median change and the range of four of five days."""
    if value is None:
        return MISSING
    middle, low, high = (signed(Decimal(str(each))) for each in (value.middle, value.low, value.high))
    return f"{middle} ({low} to {high})"


def share_of(value: Decimal, most: Decimal) -> str:
    """Return a percentage of the largest value, for the width of a bar."""
    return f"{max(0, min(100, 100 * value / most)):.1f}"


def most_spend(lines: Iterable[Line]) -> Decimal | None:
    """Return the highest spend of the lines; None if no line has any. The line of all others counts, too."""
    return max((line.totals.spend for line in lines if line.totals.spend), default=None)


def any_of(values: Iterable[object]) -> bool:
    """Return True if one of the values is not empty."""
    return any(values)


FILTERS: dict[str, Callable[..., Any]] = {
    "ages": ages, "amount": amount, "any_of": any_of, "change": totals.change, "counted": counted, "day": day,
    "decimals": decimals, "exact": exact, "long_day": long_day, "moment": moment, "most_spend": most_spend,
    "partial": partial, "percent": percent, "period": period, "readable": readable, "share_of": share_of,
    "short": short, "signed": signed, "spread": spread, "whole": whole,
}
