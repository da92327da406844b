"""The hours of a local day: one is skipped in spring, one occurs twice in autumn."""

from __future__ import annotations

import datetime as dt
import functools
from zoneinfo import ZoneInfo

LABELS = tuple(f"{hour:02d}:00:00 - {hour:02d}:59:59" for hour in range(24))
QUARTERS_PER_HOUR = 4
_QUARTER = dt.timedelta(minutes=15)


@functools.lru_cache(maxsize=4096)
def quarters_by_hour(zone: ZoneInfo, day: dt.date) -> tuple[int, ...]:
    """Return how many quarters of an hour each of the 24 local hours lasts that day: 4, 0 where it is skipped, 8 where
    it is repeated; zones that shift by half an hour have other numbers."""
    counts = [0] * 24
    at = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
    while at < end:
        counts[at.astimezone(zone).hour] += 1
        at += _QUARTER
    return tuple(counts)
