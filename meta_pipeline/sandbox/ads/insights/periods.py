"""The days of an insights request: its ranges, presets and increments (docs/graph-api.md §2.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest

HISTORY_MONTHS = 37
MAX_INCREMENT_DAYS = 90
Period = tuple[dt.date, dt.date]
_DAY = dt.timedelta(days=1)


def requested_periods(request: GraphRequest, today: dt.date) -> list[Period]:
    """Return the periods that are reported separately: several ranges as they are, or one range cut by the
    increment. Raise error 100 or 3018 for an invalid one."""
    if time_ranges := request.json_param("time_ranges"):
        if not isinstance(time_ranges, list):
            raise GraphApiError("(#100) Param time_ranges must be an array.", 100)
        return [_parse_range(time_range, today) for time_range in time_ranges]
    if time_range := request.json_param("time_range"):
        since, until = _parse_range(time_range, today)
    else:
        since, until = _preset(request.params.get("date_preset", "last_30d"), today)
    increment = request.params.get("time_increment", "all_days")
    if increment == "all_days":
        return [(since, until)]
    if increment == "monthly":
        return list(_months(since, until))
    try:
        step = int(increment)
    except ValueError:
        step = 0
    if not 1 <= step <= MAX_INCREMENT_DAYS:
        raise GraphApiError("(#100) time_increment must be between 1 and 90, monthly or all_days", 100)
    starts = range(0, (until - since).days + 1, step)
    return [(since + n * _DAY, min(until, since + (n + step - 1) * _DAY)) for n in starts]


def _parse_range(time_range: Any, today: dt.date) -> Period:
    try:
        since, until = dt.date.fromisoformat(time_range["since"]), dt.date.fromisoformat(time_range["until"])
    except (KeyError, TypeError, ValueError):
        raise GraphApiError("(#100) Must be a date representation in the format YYYY-MM-DD", 100) from None
    if since > until:
        raise GraphApiError("(#100) The start date must be before the end date", 100)
    months = (today.year - since.year) * 12 + today.month - since.month - (since.day > today.day)
    if months >= HISTORY_MONTHS:
        raise GraphApiError(
            f"(#3018) The start date of the time range cannot be beyond {HISTORY_MONTHS} months from the current date",
            3018,
        )
    return since, until


def _preset(name: str, today: dt.date) -> Period:
    if name == "today":
        return today, today
    if name == "yesterday":
        return today - _DAY, today - _DAY
    if name == "this_month":
        return today.replace(day=1), today
    if name == "last_month":
        end = today.replace(day=1) - _DAY
        return end.replace(day=1), end
    if name in ("maximum", "data_maximum"):
        return today - 1100 * _DAY, today
    if name.startswith("last_") and name.endswith("d") and name[5:-1].isdigit():
        return today - int(name[5:-1]) * _DAY, today - _DAY
    raise GraphApiError(f"(#100) date_preset must be one of the documented values, not {name}", 100)


def _months(since: dt.date, until: dt.date) -> Iterator[Period]:
    start = since
    while start <= until:
        next_month = (start.replace(day=1) + 32 * _DAY).replace(day=1)
        yield start, min(until, next_month - _DAY)
        start = next_month
