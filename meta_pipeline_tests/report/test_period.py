"""The period of a report can be compared with the previous period when there are enough days."""

from __future__ import annotations

import datetime as dt

import pytest

from meta_pipeline.report.period import Period, chosen_period, default_period

LAST = dt.date(2026, 11, 26)


@pytest.mark.parametrize(("days", "length"), [(400, 28), (56, 28), (55, 14), (28, 14), (27, 7), (14, 7), (13, 13), (1, 1)])
def test_the_usual_length_fits_twice_into_the_available_days(days: int, length: int) -> None:
    period = default_period(LAST - dt.timedelta(days=days - 1), LAST)

    assert (period.until, period.length) == (LAST, length)


def test_the_previous_period_ends_the_day_before_and_is_as_long() -> None:
    period = Period(dt.date(2026, 11, 1), dt.date(2026, 11, 3))

    assert period.previous == Period(dt.date(2026, 10, 29), dt.date(2026, 10, 31))
    assert period.days() == [dt.date(2026, 11, day) for day in (1, 2, 3)]


def test_a_bound_that_is_not_requested_follows_from_the_available_days() -> None:
    first = LAST - dt.timedelta(days=99)
    day = dt.date(2026, 11, 10)

    assert chosen_period(first, LAST, since=day, until=None) == Period(day, LAST)
    assert chosen_period(first, LAST, since=None, until=day) == Period(dt.date(2026, 10, 14), day)
    assert chosen_period(first, LAST, since=day, until=day) == Period(day, day)
