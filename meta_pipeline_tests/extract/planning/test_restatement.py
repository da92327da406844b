"""Restatement tapers: no day is staler than its tier allows, the last read is after it is stable, and few are read."""

from __future__ import annotations

import datetime as dt

import pytest

from harness.costs import taper_search as search
from meta_pipeline.extract.planning.restatement import LAST_READ_AGE, due, due_since, parse_tiers
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings

TIERS = parse_tiers(Settings.model_fields["restatement"].default)
FIRST = dt.date(2026, 1, 1)


def days(start: dt.date, count: int) -> list[dt.date]:
    return [start + dt.timedelta(days=n) for n in range(count)]


class Year:
    """An account that is read daily, as the schedule does it."""

    def __init__(self) -> None:
        self.read_on: dict[dt.date, list[dt.date]] = {}
        self.lengths: list[int] = []

    def read_due_days(self, today: dt.date) -> None:
        since = due_since(today, {day: reads[-1] for day, reads in self.read_on.items()}, TIERS)
        due_days = days(since, (today - since).days) if since else []
        self.lengths.append(len(due_days))
        for day in due_days:
            self.read_on.setdefault(day, []).append(today)


def test_no_day_is_staler_than_promised_and_the_last_read_is_after_it_is_stable() -> None:
    year = Year()
    for today in days(FIRST + dt.timedelta(days=60), 180):
        year.read_due_days(today)
        for age in range(1, 29):
            last = year.read_on[today - dt.timedelta(days=age)][-1]
            assert (today - last).days < next(tier.every for tier in TIERS if age <= tier.age)
    end = FIRST + dt.timedelta(days=240)
    for day, reads in year.read_on.items():
        if (end - day).days > LAST_READ_AGE + 1 and day > FIRST + dt.timedelta(days=60):
            assert 28 < (reads[-1] - day).days <= LAST_READ_AGE
            assert sum((read - day).days > 28 for read in reads) == 1


def test_the_taper_reads_little_more_than_a_third_of_28_days_a_day() -> None:
    year = Year()
    for today in days(FIRST + dt.timedelta(days=60), 60 + 56):
        year.read_due_days(today)

    assert round(sum(year.lengths[60:]) / 56, 1) == 10.3
    assert max(year.lengths[60:]) == LAST_READ_AGE


def test_a_missed_day_is_due_and_a_day_that_was_just_read_is_not() -> None:
    today = FIRST + dt.timedelta(days=100)
    assert due_since(today, {}, TIERS) == today - dt.timedelta(days=28)
    read = {day: today for day in days(today - dt.timedelta(days=35), 35)}
    assert due_since(today, read, TIERS) is None
    del read[today - dt.timedelta(days=20)]
    assert due_since(today, read, TIERS) == today - dt.timedelta(days=20)


@pytest.mark.parametrize("text", ["", "28", "3:1", "3:1,28:0", "7:2,3:1,28:7", "3:4,28:2", "a:b,28:7", "3:1,28:7,40:9"])
def test_an_invalid_taper_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_RESTATEMENT"):
        parse_tiers(text)


def test_only_due_days_are_listed_oldest_first() -> None:
    today = FIRST + dt.timedelta(days=100)
    read = {day: today - dt.timedelta(days=1) for day in days(today - dt.timedelta(days=35), 35)}
    del read[today - dt.timedelta(days=20)]

    # Never read, and three young days that were read yesterday; the oldest day was read after it was stable.
    assert [(today - day).days for day in due(today, read, TIERS)] == [20, 3, 2, 1]


COSTS = [search.Costs(rows, page) for rows in (120, 960) for page in (500, 5000)]


@pytest.mark.parametrize("costs", COSTS, ids=str)
def test_no_other_taper_that_keeps_the_promise_costs_fewer_calls(costs: search.Costs) -> None:
    tapers = list(search.tapers((3, 7, 14, 28)))
    calls = {tiers: search.calls_a_day(search.lengths_of(tiers, search.nested, costs), costs) for tiers in tapers}

    assert search.DEFAULT == TIERS and search.keeps(TIERS) and len(tapers) == 37
    assert calls[TIERS] == min(calls.values())
    assert calls[TIERS] <= calls[parse_tiers("28:1")] / 2
    # No taper costs less than the least that any timetable costs, and the default costs little more.
    floor = search.least_calls(search.nested, costs)
    assert floor <= calls[TIERS] <= 1.3 * floor


@pytest.mark.parametrize(("page", "is_cheaper"), [(5000, True), (500, False)])
def test_one_range_costs_less_than_the_due_days_alone_unless_pages_are_small(page: int, is_cheaper: bool) -> None:
    costs = search.Costs(960, page)
    one_range, alone = (
        search.calls_a_day(search.lengths_of(TIERS, plan, costs), costs) for plan in (search.nested, search.only_due)
    )

    assert (one_range < alone) == is_cheaper


def test_a_taper_that_breaks_the_promise_is_recognized() -> None:
    assert not search.keeps(parse_tiers("3:1,7:2,14:4,28:8"))
    assert not search.keeps(parse_tiers("4:1,7:3,14:4,28:7"))
    assert all(search.keeps(tiers) for tiers in search.tapers((5, 14, 28)))
