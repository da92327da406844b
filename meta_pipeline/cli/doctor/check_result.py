"""The result of a check of `doctor`, and how results describe times, sizes and lists of names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.cli.output.terminal import counted

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check; the message of one that is not ok ends with the remedy."""

    name: str
    is_ok: bool
    message: str

    def as_json(self) -> dict[str, str | bool]:
        """Return the result under the names that `doctor --json` prints."""
        return {"name": self.name, "is_good": self.is_ok, "told": self.message}


def describe_time(moment: dt.datetime, *, now: dt.datetime) -> str:
    """Return a time with its age: `2026-11-27 09:20 UTC, 3 hours ago`."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC, {describe_age(now - moment)}"


def describe_age(age: dt.timedelta) -> str:
    """Return an age in its largest unit: `3 hours ago`."""
    seconds = max(0, int(age.total_seconds()))
    for unit_s, noun in _UNITS:
        if seconds >= unit_s:
            return f"{counted(seconds // unit_s, noun)} ago"
    return "just now"


def describe_size(bytes_: int) -> str:
    """Return a size in its largest decimal unit."""
    value, units = float(bytes_), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"


def list_first(names: list[str], most: int = 5) -> str:
    """Return the first names, and the number of the others: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
