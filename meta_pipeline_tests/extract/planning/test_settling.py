"""Days of Pages and Instagram accounts are read until Meta has completed them and they no longer change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from meta_pipeline.extract.planning.settling import LAST_READ_AGE, DayRead, due, is_settled

ZONE = ZoneInfo("America/Los_Angeles")
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
# It begins at 07:00 UTC and ends at 08:00 UTC, after 25 hours: daylight saving time ends that night.
LONG_DAY = dt.date(2026, 11, 1)
END = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("read_after", "unchanged_for", "expected"),
    [
        (48 * HOUR, 24 * HOUR, True), (47 * HOUR, 24 * HOUR, False),  # Meta may not have completed it
        (48 * HOUR, 23 * HOUR, False), (20 * DAY, 0 * HOUR, False), (20 * DAY, 5 * DAY, True),
    ],
)
def test_a_day_has_settled_when_it_was_complete_and_had_not_changed(
    read_after: dt.timedelta, unchanged_for: dt.timedelta, expected: bool
) -> None:
    read = DayRead(END + read_after, END + read_after - unchanged_for)

    assert is_settled(LONG_DAY, read, ZONE) is expected


def simulated(changes_at: list[dt.datetime], *, days: int) -> list[int]:
    """Return on which days after its end a day is read, at noon UTC, when its content changes at these moments."""
    reads: dict[dt.date, DayRead] = {}
    read_on = []
    for count in range(days):
        now = END + count * DAY + 4 * HOUR
        if LONG_DAY in due(now, reads, ZONE):
            changed = max((at for at in changes_at if at <= now), default=END)
            last = reads.get(LONG_DAY)
            is_same = last is not None and changed <= last.at
            reads[LONG_DAY] = DayRead(now, last.changed_at if is_same and last is not None else now)
            read_on.append(count)
    return read_on


def test_a_day_that_does_not_change_is_read_until_it_is_complete() -> None:
    assert simulated([], days=40) == [0, 1, 2]


def test_a_day_that_changes_late_is_read_until_it_stops_changing() -> None:
    assert simulated([END + 26 * HOUR, END + 50 * HOUR], days=40) == [0, 1, 2, 3]


def test_a_day_that_never_stops_changing_is_read_for_28_days() -> None:
    assert simulated([END + count * 12 * HOUR for count in range(100)], days=60) == list(range(LAST_READ_AGE))


def test_the_oldest_day_is_first_and_a_day_is_read_once_a_day() -> None:
    now = END + 4 * HOUR
    never_read = list(due(now, {}, ZONE))
    assert never_read == sorted(never_read) and len(never_read) == LAST_READ_AGE
    assert never_read[-1] == LONG_DAY

    reads = {day: DayRead(now, now) for day in never_read}
    assert list(due(now + 19 * HOUR, reads, ZONE)) == []  # still the same day in Los Angeles
    assert list(due(now + 20 * HOUR, reads, ZONE)) == [*never_read[1:], LONG_DAY + DAY]
