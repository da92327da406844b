"""Ranges of days: the days of one request. No I/O."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """Contiguous days, both inclusive."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Return every day of the range, in order."""
        return tuple(self.since + dt.timedelta(days=n) for n in range((self.until - self.since).days + 1))

    def split(self, longest: int) -> list[Range]:
        """Split into ranges of about equal length, none longer than `longest` days."""
        days = self.days
        count = -(-len(days) // longest)
        bounds = [len(days) * n // count for n in range(count + 1)]
        return [Range(days[start], days[end - 1]) for start, end in itertools.pairwise(bounds)]

    def halves(self) -> tuple[Range, Range]:
        """Return the two halves of a range of at least two days."""
        middle = self.since + (self.until - self.since) // 2
        return Range(self.since, middle), Range(middle + dt.timedelta(days=1), self.until)


def contiguous_ranges(days: Iterable[dt.date]) -> list[Range]:
    """Return the contiguous ranges that cover exactly `days`, oldest first."""
    ordered = sorted(set(days))
    groups = itertools.groupby(enumerate(ordered), key=lambda numbered: numbered[1].toordinal() - numbered[0])
    runs = ([day for _, day in group] for _, group in groups)
    return [Range(run[0], run[-1]) for run in runs]
