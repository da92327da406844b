"""Pacific days: the calendar of Page and Instagram insights, wherever the Page is (docs/graph-api.md §3.1)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def pacific_day(instant: dt.datetime) -> dt.date:
    """Return the Pacific day on which an instant falls."""
    return instant.astimezone(PACIFIC).date()


def start_of(day: dt.date) -> dt.datetime:
    """Return the Pacific midnight at which a day begins, in UTC: 07:00 in summer, 08:00 in winter."""
    return dt.datetime.combine(day, dt.time(), PACIFIC).astimezone(dt.UTC)


def end_of(day: dt.date) -> dt.datetime:
    """Return the Pacific midnight at which a day ends, in UTC."""
    return start_of(day + dt.timedelta(days=1))


def end_time(day: dt.date) -> str:
    """Return the `end_time` of a day's value, as Meta writes it: the end of the day."""
    return graph_time(end_of(day))


def graph_time(instant: dt.datetime) -> str:
    """Return an instant as Graph writes it, in UTC with a numeric offset."""
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
