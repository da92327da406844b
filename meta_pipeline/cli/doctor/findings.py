"""A finding of `doctor` (one check, its result, its remedy) and the words that findings share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.cli.output.terminal import counted

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `is_good` or what to do."""

    name: str
    is_good: bool
    told: str


def at(moment: dt.datetime, *, now: dt.datetime) -> str:
    """Return a time with its age: `2026-11-27 09:20 UTC, 3 hours ago`."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC, {age(now - moment)}"


def age(passed: dt.timedelta) -> str:
    """Return how long ago something was, in its largest unit."""
    seconds = max(0, int(passed.total_seconds()))
    for size, noun in _UNITS:
        if seconds >= size:
            return f"{counted(seconds // size, noun)} ago"
    return "just now"


def size(bytes_: int) -> str:
    """Return a size in its largest decimal unit."""
    value, units = float(bytes_), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"


def some(names: list[str], most: int = 5) -> str:
    """Return the first of many names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
