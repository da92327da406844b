"""The days that a report is about, and the days before them that it compares them with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

LENGTHS = (28, 14, 7)  # days of the default period, the longest first
LONGEST = 400  # days; a chart has a bar for each
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `since` to `until`, both included."""

    since: dt.date
    until: dt.date

    @property
    def length(self) -> int:
        """Return the number of days."""
        return (self.until - self.since).days + 1

    @property
    def previous(self) -> Period:
        """Return the period of equal length that ends the day before."""
        return Period(self.since - self.length * _DAY, self.since - _DAY)

    def days(self) -> list[dt.date]:
        """Return every day."""
        return [self.since + number * _DAY for number in range(self.length)]


def default_period(first: dt.date, last: dt.date) -> Period:
    """Return the longest usual period up to `last` whose previous period is covered too; every day (28 at most) if
    there is none."""
    covered = (last - first).days + 1
    length = next((length for length in LENGTHS if 2 * length <= covered), min(covered, LENGTHS[0]))
    return Period(last - (length - 1) * _DAY, last)


def chosen_period(first: dt.date, last: dt.date, *, since: dt.date | None, until: dt.date | None) -> Period:
    """Return the requested period; a missing end is chosen from the days that were read."""
    if since is None and until is None:
        return default_period(first, last)
    end = until or max(last, since or last)
    start = since or default_period(min(first, end), end).since
    return Period(start, end)
