"""Parse days from the command line: a date, or `today` and `yesterday` on the calendar of each node."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import click

_WORDS = {"today": 0, "yesterday": 1}


@dataclass(frozen=True, slots=True)
class DaysAgo:
    """A day relative to today on each node's own calendar."""

    count: int

    def __str__(self) -> str:
        return next((word for word, count in _WORDS.items() if count == self.count), f"{self.count} days ago")


Day = dt.date | DaysAgo


def resolve(day: Day, today: dt.date) -> dt.date:
    """Return the date of `day` on a calendar where it is `today`."""
    return today - dt.timedelta(days=day.count) if isinstance(day, DaysAgo) else day


class DayType(click.ParamType[Day]):
    """A date such as 2026-11-27, `today` or `yesterday`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Day:
        """Return the day; fail with a usage error that lists what is accepted."""
        if isinstance(value, dt.date | DaysAgo):
            return value
        if value in _WORDS:
            return DaysAgo(_WORDS[value])
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a day: give YYYY-MM-DD, today or yesterday", param, ctx)
