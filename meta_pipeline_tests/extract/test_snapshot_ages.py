"""The ages at which posts and media are read: often while they are young, never once they are old."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract.snapshot_ages import DEFAULT_AGES, is_due, parse_ages
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


def ages_read(first_age: int, *, until: int) -> list[int]:
    """Return the ages at which a daily routine reads an object that it finds at this age."""
    each, ages = SnapshotObject(id="1", created_on=TODAY), []
    for age in range(first_age, until):
        day = TODAY + dt.timedelta(days=age)
        if is_due(each, day, TIERS):
            each, ages = read(each, day), [*ages, age]
    return ages


@pytest.mark.parametrize("age, last_age, expected", [
    (0, None, True), (400, None, True), (3_000, None, True),
    (1, 0, True), (7, 6, True), (8, 7, False), (13, 7, False), (14, 7, True), (15, 13, True), (16, 15, False),
    (84, 77, True), (90, 84, False), (113, 84, False), (114, 84, True), (143, 114, False), (144, 114, True),
    (730, 714, False), (731, 714, True), (731, 300, True), (732, 731, False), (3_000, 731, False),
])
def test_an_object_is_due_at_fixed_ages(age: int, last_age: int | None, expected: bool) -> None:
    assert is_due(at_age(age, last_age=last_age), TODAY, TIERS) is expected


def test_a_post_is_read_daily_then_weekly_then_monthly_and_once_more_at_the_end() -> None:
    weekly, monthly = range(14, 85, 7), range(114, 715, 30)

    assert ages_read(0, until=1_500) == [*range(8), *weekly, *monthly, 731]
    assert ages_read(400, until=1_500) == [400, *(age for age in monthly if age > 400), 731]
    assert ages_read(800, until=1_500) == [800]


@given(st.integers(0, 729))
def test_no_object_waits_longer_than_its_tier(first_age: int) -> None:
    ages = ages_read(first_age, until=800)

    for before, after in pairwise(ages):
        assert after - before <= next((tier.every for tier in TIERS if after <= tier.age), TIERS[-1].every)


def test_objects_that_are_first_read_together_are_spread_over_the_following_days() -> None:
    posts = [at_age(age, last_age=age) for age in range(0, 730, 2)]
    due = Counter(
        next(ahead for ahead in range(1, 31) if is_due(post, TODAY + dt.timedelta(days=ahead), TIERS)) for post in posts
    )

    assert max(due.values()) <= 30


@given(st.integers(0, 900), st.one_of(st.none(), st.integers(1, 900)))
def test_a_second_read_of_a_day_reads_what_the_first_did(age: int, ago: int | None) -> None:
    before = at_age(age, last_age=None if ago is None else age - ago)
    is_read = is_due(before, TODAY, TIERS)
    after = read(before, TODAY) if is_read else before

    assert is_due(after, TODAY, TIERS) is is_read


def test_an_object_without_a_date_is_read_as_an_old_one_for_ever() -> None:
    each = SnapshotObject(id="1", read_on=TODAY - dt.timedelta(days=29))

    assert not is_due(each, TODAY, TIERS) and is_due(each, TODAY + dt.timedelta(days=1), TIERS)


def test_what_is_gone_is_not_read_after_the_day_on_which_it_went() -> None:
    gone = dataclasses.replace(at_age(3, last_age=2), gone_on=TODAY)

    assert is_due(gone, TODAY, TIERS) and not is_due(gone, TODAY + dt.timedelta(days=1), TIERS)


@pytest.mark.parametrize("text", ["", "7", "7:1,7:2", "90:7,7:1", "7:2,90:1", "0:1", "7:0", "7:x", "7:1,", "7:1:2"])
def test_ages_that_do_not_rise_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_SNAPSHOT_AGES"):
        parse_ages(text)
