"""Which days a request is about: its ranges, presets and increments (graph-api.md §2.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from meta_pipeline.sandbox.answers import Ask, Refused

HISTORY_MONTHS = 37
Period = tuple[dt.date, dt.date]


def periods_of(ask: Ask, today: dt.date) -> list[Period]:
    """The spans that are reported, each on its own: several ranges as they are, or one range cut by the increment."""
    if many := ask.json("time_ranges"):
        if not isinstance(many, list):
            raise Refused("(#100) Param time_ranges must be an array.", 100)
        return [_range(one, today) for one in many]
    if one := ask.json("time_range"):
        since, until = _range(one, today)
    else:
        since, until = _preset(ask.params.get("date_preset", "last_30d"), today)
    increment = ask.params.get("time_increment", "all_days")
    if increment == "all_days":
        return [(since, until)]
    if increment == "monthly":
        return list(_months(since, until))
    try:
        step = int(increment)
    except ValueError:
        step = 0
    if not 1 <= step <= 90:
        raise Refused("(#100) time_increment must be between 1 and 90, monthly or all_days", 100)
    starts = range(0, (until - since).days + 1, step)
    return [
        (since + dt.timedelta(days=n), min(until, since + dt.timedelta(days=n + step - 1))) for n in starts
    ]


def _range(one: Any, today: dt.date) -> Period:
    try:
        since, until = dt.date.fromisoformat(one["since"]), dt.date.fromisoformat(one["until"])
    except (KeyError, TypeError, ValueError):
        raise Refused("(#100) Must be a date representation in the format YYYY-MM-DD", 100) from None
    if since > until:
        raise Refused("(#100) The start date must be before the end date", 100)
    months = (today.year - since.year) * 12 + today.month - since.month - (since.day > today.day)
    if months >= HISTORY_MONTHS:
        raise Refused(
            f"(#3018) The start date of the time range cannot be beyond {HISTORY_MONTHS} months from the current date",
            3018,
        )
    return since, until


def _preset(name: str, today: dt.date) -> Period:
    day = dt.timedelta(days=1)
    if name == "today":
        return today, today
    if name == "yesterday":
        return today - day, today - day
    if name == "this_month":
        return today.replace(day=1), today
    if name == "last_month":
        end = today.replace(day=1) - day
        return end.replace(day=1), end
    if name in ("maximum", "data_maximum"):
        return today - dt.timedelta(days=1100), today
    if name.startswith("last_") and name.endswith("d") and name[5:-1].isdigit():
        return today - int(name[5:-1]) * day, today - day
    raise Refused(f"(#100) date_preset must be one of the documented values, not {name}", 100)


def _months(since: dt.date, until: dt.date) -> Iterable[Period]:
    start = since
    while start <= until:
        following = (start.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        yield start, min(until, following - dt.timedelta(days=1))
        start = following
