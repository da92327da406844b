"""Ranges have every day once, however they are split."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract.planning.ranges import Range, contiguous_ranges
from meta_pipeline.extract.planning.sizes import Sizes, plan_ranges

DAY = dt.date(2026, 11, 1)


@given(st.sets(st.integers(0, 400)))
def test_ranges_cover_each_day_exactly_once(numbers: set[int]) -> None:
    days = [DAY + dt.timedelta(days=n) for n in numbers]
    covered = [day for part in contiguous_ranges(days) for day in part.days]

    assert sorted(days) == covered


@given(st.integers(0, 400), st.integers(1, 500))
def test_parts_cover_the_range_exactly_and_none_is_longer_than_allowed(length: int, longest: int) -> None:
    whole = Range(DAY, DAY + dt.timedelta(days=length))
    parts = whole.split(longest)

    assert whole.days == tuple(day for part in parts for day in part.days)
    lengths = [len(part.days) for part in parts]
    assert max(lengths) <= longest and max(lengths) - min(lengths) <= 1
    assert len(parts) == -(-len(whole.days) // longest)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 90)), max_size=5), st.integers(1, 90), st.integers(1, 90))
def test_a_plan_requests_exactly_the_given_days_each_once(
    spans: list[tuple[int, int]], worked: int, refused: int
) -> None:
    days = list({DAY + dt.timedelta(days=at + n) for at, length in spans for n in range(length)})
    sizes = Sizes(5000)
    assert plan_ranges(sizes, [*days, *days]) == contiguous_ranges(days)
    sizes.range_succeeded(worked, 1)
    sizes.range_was_refused(refused, dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    plan = plan_ranges(sizes, [*days, *days])

    assert sorted(days) == [day for part in plan for day in part.days]
    # No range is as long as one that was refused.
    assert all(len(part.days) < max(refused, 2) for part in plan)


@given(st.integers(1, 120), st.data())
def test_halving_refused_ranges_ends_and_covers_every_day_once(length: int, data: st.DataObject) -> None:
    read: list[dt.date] = []
    waiting, requests = [Range(DAY, DAY + dt.timedelta(days=length))], 0
    too_much = data.draw(st.integers(1, 130))
    while waiting:
        part = waiting.pop(0)
        requests += 1
        assert requests <= 2 * (length + 1) - 1
        if len(part.days) > too_much:
            waiting[:0] = part.halves()
        else:
            read.extend(part.days)

    assert read == list(Range(DAY, DAY + dt.timedelta(days=length)).days)


@given(st.integers(1, 400))
def test_halves_cover_the_range_exactly(length: int) -> None:
    whole = Range(DAY, DAY + dt.timedelta(days=length))
    left, right = whole.halves()

    assert whole.days == left.days + right.days
