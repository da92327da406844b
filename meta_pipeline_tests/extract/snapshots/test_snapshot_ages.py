"""The ages at which posts and media are read: often while they are young, never once they are old."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract.snapshots.snapshot_ages import DEFAULT_AGES, due, is_due, parse_ages
from meta_pipeline.records import ConfigError
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject

TIERS = parse_ages(DEFAULT_AGES)
TODAY = dt.date(2026, 11, 20)


def at_age(age: int, *, last_age: int | None) -> SnapshotObject:
    created = TODAY - dt.timedelta(days=age)
    return SnapshotObject(
        id="1", created_on=created, read_on=None if last_age is None else created + dt.timedelta(days=last_age)
    )


def read(each: SnapshotObject, day: dt.date) -> SnapshotObject:
    return dataclasses.replace(each, read_on=day, read_before_on=each.read_on)


def ages_read(first_age: int, *, until: int, shift: float = 0.0) -> list[int]:
    """Return the ages at which a daily routine reads an object that it first lists at this age."""
    each, ages = SnapshotObject(id="1", created_on=TODAY), list[int]()
    for age in range(first_age, until):
        day = TODAY + dt.timedelta(days=age)
        if is_due(each, day, TIERS, shift=shift):
            each, ages = read(each, day), [*ages, age]
    return ages


@pytest.mark.parametrize("age, last_age, expected", [
    (0, None, True), (400, None, True), (3_000, None, True),
    (1, 0, True), (7, 6, True), (15, 8, True), (90, 83, True), (121, 91, True), (730, 700, True),
    (731, 730, True), (900, 300, True), (732, 731, False), (3_000, 731, False), (3_000, 2_900, False),
])
def test_an_object_is_due_when_the_days_of_its_tier_are_over(
    age: int, last_age: int | None, expected: bool
) -> None:
    assert {is_due(at_age(age, last_age=last_age), TODAY, TIERS, shift=n / 60) for n in range(60)} == {expected}


SHIFTS = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 729), SHIFTS)
def test_a_post_is_read_daily_then_weekly_then_monthly_and_once_more_at_the_end(first_age: int, shift: float) -> None:
    ages = ages_read(first_age, until=1_500, shift=shift)

    assert ages[0] == first_age and ages[-1] == 731
    assert [age for age in ages if age <= 7] == list(range(first_age, 8))
    assert all(after - before <= 7 for before, after in pairwise(ages) if after <= 90)
    assert all(after - before <= 30 for before, after in pairwise(ages))
    if first_age == 0:
        assert sum(7 < age <= 90 for age in ages) in (11, 12)  # 83 days
        assert sum(90 < age <= 730 for age in ages) in (21, 22)  # 640 days


@given(st.integers(731, 5_000), SHIFTS)
def test_an_object_that_is_first_listed_when_it_is_too_old_is_read_once(first_age: int, shift: float) -> None:
    assert ages_read(first_age, until=first_age + 400, shift=shift) == [first_age]


@given(st.integers(1, 30))
def test_objects_that_are_first_read_together_are_spread_over_the_following_days(spacing: int) -> None:
    posts = {str(age): dataclasses.replace(at_age(age, last_age=age), id=str(age)) for age in range(0, 720, spacing)}
    months: Counter[int] = Counter()
    for ahead in range(1, 61):
        day = TODAY + dt.timedelta(days=ahead)
        for id in due(posts, day, TIERS):
            posts[id] = read(posts[id], day)
            months[ahead] += int(id) > 90

    old = len([age for age in posts if int(age) > 90])
    assert max(months[ahead] for ahead in range(1, 61)) <= old / 30 + 3
    assert sum(months[ahead] for ahead in range(1, 31)) >= old


@given(st.integers(0, 900), st.one_of(st.none(), st.integers(1, 900)))
def test_a_second_read_of_a_day_reads_the_same_objects(age: int, ago: int | None) -> None:
    before = at_age(age, last_age=None if ago is None else age - ago)
    is_read = is_due(before, TODAY, TIERS)
    after = read(before, TODAY) if is_read else before

    assert is_due(after, TODAY, TIERS) is is_read


@given(SHIFTS)
def test_an_object_without_a_date_is_read_monthly_without_end(shift: float) -> None:
    each, days = SnapshotObject(id="1", read_on=TODAY), list[dt.date]()
    for day in (TODAY + dt.timedelta(days=n) for n in range(1, 901)):
        if is_due(each, day, TIERS, shift=shift):
            each, days = read(each, day), [*days, day]

    assert len(days) == 30


def test_an_object_that_is_gone_is_not_read_after_that_day() -> None:
    gone = dataclasses.replace(at_age(3, last_age=2), gone_on=TODAY)

    assert is_due(gone, TODAY, TIERS) and not is_due(gone, TODAY + dt.timedelta(days=1), TIERS)


@pytest.mark.parametrize("text", ["", "7", "7:1,7:2", "90:7,7:1", "7:2,90:1", "0:1", "7:0", "7:x", "7:1,", "7:1:2"])
def test_ages_that_do_not_rise_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_SNAPSHOT_AGES"):
        parse_ages(text)
