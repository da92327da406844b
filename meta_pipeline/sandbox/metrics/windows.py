"""`since` and `until` of insights, and the days that they select (docs/graph-api.md §3.2, the decisions at its end)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.sandbox.metrics.pacific import end_of, pacific_day, start_of
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest

_DAY_S = 86_400
_RELATIVE = {"today": 0, "yesterday": 1}


@dataclass(frozen=True, slots=True)
class Window:
    """The instants between which values end: `since < end_time <= until`."""

    since: dt.datetime
    until: dt.datetime

    def days(self, now: dt.datetime) -> list[dt.date]:
        """Return the Pacific days that end in the window and are over."""
        first = pacific_day(self.since)
        count = (pacific_day(self.until) - first).days + 1
        days = (first + dt.timedelta(days=n) for n in range(count))
        return [day for day in days if self.since < end_of(day) <= min(self.until, now)]

    def check_length(self, max_days: int) -> None:
        """Raise error 100 for a window that ends before it begins or has more than `max_days` Pacific days."""
        days = (pacific_day(self.until) - pacific_day(self.since)).days
        if self.since > self.until:
            raise GraphApiError("(#100) since param is not valid: it must not be later than until", 100)
        if days > max_days:
            raise GraphApiError(
                f"(#100) There cannot be more than {max_days} days ({max_days * _DAY_S} s) between since and until", 100
            )

    def shifted(self, windows: int) -> Window:
        """Return the window moved by this many of its own lengths: later, or earlier when negative."""
        length = (self.until - self.since) * windows
        return Window(self.since + length, self.until + length)


def parse_time(request: GraphRequest, name: str, now: dt.datetime) -> dt.datetime | None:
    """Return `since` or `until`, also in the bracket form `time_range[since]`; None without it.

    A date is Pacific midnight, and so are Unix seconds at UTC midnight; other Unix seconds are that instant. Raise
    error 100 for anything else.
    """
    time_range = request.json_param("time_range", {})
    text = request.params.get(name) or (time_range.get(name) if isinstance(time_range, dict) else None)
    if text is None:
        return None
    text = str(text)
    try:
        if text in _RELATIVE:
            return start_of(pacific_day(now) - dt.timedelta(days=_RELATIVE[text]))
        if text == "now":
            return now
        if not text.isdigit():
            return start_of(dt.date.fromisoformat(text))
        instant = dt.datetime.fromtimestamp(int(text), dt.UTC)
        return start_of(instant.date()) if int(text) % _DAY_S == 0 else instant
    except (ValueError, OverflowError, OSError):
        raise GraphApiError(f"(#100) Param {name} must be a valid date", 100) from None
