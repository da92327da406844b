"""The days of a Page or an Instagram account that are due: until they are complete and have stopped changing. No I/O,
no clock.

Meta completes a day up to two days after its end (docs/graph-api.md §3.1, §3.3), and does not report that it has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

LATE_FOR = dt.timedelta(hours=48)  # after the end of the day
UNCHANGED_FOR = dt.timedelta(hours=24)
LAST_READ_AGE = 28  # days


@dataclass(frozen=True, slots=True)
class DayRead:
    """The last read of a day: its time, and the time since which the content is unchanged; both aware."""

    at: dt.datetime
    changed_at: dt.datetime


def due(now: dt.datetime, reads: Mapping[dt.date, DayRead], zone: ZoneInfo) -> Iterator[dt.date]:
    """Yield the days that are due at `now` on the calendar of `zone`, oldest first. A day is read at most once per day
    of that calendar."""
    today = now.astimezone(zone).date()
    for age in range(LAST_READ_AGE, 0, -1):
        day = today - dt.timedelta(days=age)
        last = reads.get(day)
        if last is None or (last.at.astimezone(zone).date() < today and not is_settled(day, last, zone)):
            yield day


def is_settled(day: dt.date, last: DayRead, zone: ZoneInfo) -> bool:
    """Check that a day was complete when it was last read, and had then been unchanged for 24 hours."""
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
    return last.at >= end + LATE_FOR and last.at - last.changed_at >= UNCHANGED_FOR
