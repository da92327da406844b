"""The sections of a report from the figures of the marts: pure, without a query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from meta_pipeline.report.document import Breakdown, Day, Line
from meta_pipeline.report.marts.account_days import AccountDay, ReadDays
from meta_pipeline.report.marts.groups import Group
from meta_pipeline.report.marts.reach import Reach
from meta_pipeline.report.marts.restatement import AgeChange, Spread, change_at
from meta_pipeline.report.marts.totals import MEASURES, Totals, minus
from meta_pipeline.report.period import Period

CAMPAIGNS, PLACEMENTS = 12, 12  # lines of a table; the others are summed in one line
_MOST_MISSING = 5  # sentences on missing days


def total_of(totals: Iterable[Totals]) -> Totals:
    """Return the sums; a measure that none of them has is None."""
    every = list(totals)
    sums = {}
    for name in MEASURES:
        values = [value for each in every if (value := getattr(each, name)) is not None]
        sums[name] = sum(values[1:], values[0]) if values else None
    return Totals(**sums)


def account_lines(
    days: Sequence[AccountDay], *, period: Period, read: ReadDays, reach: Mapping[str, Reach]
) -> list[Line]:
    """Return a line per account, by spend. Days before the period belong to the previous period."""
    lines = []
    for account_id in dict.fromkeys(day.account_id for day in days):
        own = [day for day in days if day.account_id == account_id]
        current = total_of(day.totals for day in own if day.date_day >= period.since)
        previous = total_of(day.totals for day in own if day.date_day < period.since)
        is_comparable = not read.missing(account_id, period.previous) and not read.missing(account_id, period)
        lines.append(Line(
            name=own[-1].account_name, detail=account_id, totals=current, reach=reach.get(account_id),
            previous=previous if is_comparable else None,
        ))
    return sorted(lines, key=lambda line: (-(line.totals.spend or 0), line.name, line.detail))


def total_line(currency: str, accounts: Sequence[Line]) -> Line:
    """Return the sum of the accounts, with a previous period only if each account has one. Reach is never added up."""
    previous = [line.previous for line in accounts if line.previous is not None]
    return Line(
        name=f"{len(accounts)} accounts" if len(accounts) > 1 else accounts[0].name, detail=currency,
        totals=total_of(line.totals for line in accounts), reach=accounts[0].reach if len(accounts) == 1 else None,
        previous=total_of(previous) if len(previous) == len(accounts) else None,
    )


def missing_days(days: Sequence[AccountDay], *, period: Period, read: ReadDays) -> list[str]:
    """Return a sentence for each account of which days of the period were not read."""
    names = {day.account_id: day.account_name for day in days}
    sentences = []
    for account_id, name in names.items():
        missing = read.missing(account_id, period)
        if missing:
            count = "1 day" if len(missing) == 1 else f"{len(missing)} days"
            sentences.append(f"{name}: {count} of this period not read ({missing[0]:%-d %b} first)")
    rest = len(sentences) - _MOST_MISSING
    return sentences[:_MOST_MISSING] + ([f"and days of {rest} more accounts"] if rest > 0 else [])


def day_lines(
    days: Sequence[AccountDay], *, period: Period, ages: Mapping[tuple[str, dt.date], int], changes: Sequence[AgeChange]
) -> list[Day]:
    """Return every day of the period, with the day at the same position in the previous period."""
    by_day: dict[dt.date, list[AccountDay]] = {}
    for day in days:
        by_day.setdefault(day.date_day, []).append(day)
    shift = dt.timedelta(days=period.length)
    lines = []
    for date_day in period.days():
        own = by_day.get(date_day, [])
        totals = total_of(day.totals for day in own)
        read_at_ages = [ages[day.account_id, date_day] for day in own if (day.account_id, date_day) in ages]
        change = change_at(min(read_at_ages), changes) if read_at_ages else None
        lines.append(Day(
            day=date_day, totals=totals, previous=total_of(day.totals for day in by_day.get(date_day - shift, [])),
            is_provisional=any(day.is_provisional for day in own),
            low=_end(totals, change, is_high=False), high=_end(totals, change, is_high=True),
        ))
    return lines


def campaign_lines(
    current: Sequence[Group], previous: Sequence[Group], *, accounts: Sequence[Line], reach: Mapping[str, Reach]
) -> list[Line]:
    """Return the campaigns with most spend and the sum of all others. A campaign has a previous period if its account
    has one; the totals of a new campaign are empty there."""
    comparable = {line.detail for line in accounts if line.previous is not None}
    before = {group.key[2]: group.totals for group in previous}
    has_several = len(accounts) > 1
    lines = [
        Line(
            name=name or campaign_id, detail=account_name if has_several else "", totals=group.totals,
            reach=reach.get(campaign_id),
            previous=before.get(campaign_id, Totals()) if account_id in comparable else None,
        )
        for group in current for account_id, account_name, campaign_id, name in [group.key]
    ]
    return _shortened(lines, limit=CAMPAIGNS, noun="campaigns")


def breakdown(groups: Sequence[Group], *, limit: int = PLACEMENTS, noun: str = "placements") -> Breakdown:
    """Return the lines of a breakdown by spend, and its days; the name of a line is its key."""
    lines = [Line(name=_name_of(group.key), totals=group.totals) for group in groups]
    days = Period(min(group.first_day for group in groups), max(group.last_day for group in groups)) if groups else None
    return Breakdown(lines=_shortened(lines, limit=limit, noun=noun), groups=groups, days=days)


def _name_of(key: Sequence[str]) -> str:
    """Return a key in words; Meta repeats the platform in some positions."""
    first, *rest = key
    return " · ".join(readable(part) for part in (first, *(part.removeprefix(f"{first}_") for part in rest)))


def readable(value: str) -> str:
    """Return a value of a breakdown as people write it: `instagram_stories` as `Instagram stories`."""
    words = value.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _shortened(lines: Sequence[Line], *, limit: int, noun: str) -> list[Line]:
    if len(lines) <= limit + 1:
        return list(lines)
    shown = list(lines[:limit])
    rest = minus(total_of(line.totals for line in lines), total_of(line.totals for line in shown))
    return [*shown, Line(name=f"{len(lines) - limit} other {noun}", totals=rest, is_rest=True)]


def _end(totals: Totals, change: AgeChange | None, *, is_high: bool) -> tuple[float | None, float | None]:
    """Return where spend and value usually end up at the low or the high end."""
    if change is None:
        return None, None
    return (
        _at_end(totals.spend, change.spend, is_high=is_high),
        _at_end(totals.conversions_value, change.value, is_high=is_high),
    )


def _at_end(value: Decimal | None, spread: Spread | None, *, is_high: bool) -> float | None:
    if value is None or spread is None:
        return None
    return float(value) * (1 + (spread.high if is_high else spread.low))
