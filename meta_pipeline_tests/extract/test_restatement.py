"""Restatement tapers: nothing is staler than promised, nothing is frozen too early, and little is read."""

from __future__ import annotations

import datetime as dt

import pytest

from meta_pipeline.extract.restatement import LAST_READ_AGE, due_since, tiers_of
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings

TIERS = tiers_of(Settings.model_fields["restatement"].default)
FIRST = dt.date(2026, 1, 1)


def days(start: dt.date, count: int) -> list[dt.date]:
    return [start + dt.timedelta(days=n) for n in range(count)]


class Year:
    """An account that is read as the schedule reads it."""

    def __init__(self) -> None:
        self.read_on: dict[dt.date, list[dt.date]] = {}
        self.lengths: list[int] = []

    def live(self, today: dt.date) -> None:
        since = due_since(today, {day: reads[-1] for day, reads in self.read_on.items()}, TIERS)
        asked = days(since, (today - since).days) if since else []
        self.lengths.append(len(asked))
        for day in asked:
            self.read_on.setdefault(day, []).append(today)


def test_no_day_is_staler_than_promised_and_the_last_read_is_after_it_is_stable():
    year = Year()
    for today in days(FIRST + dt.timedelta(days=60), 180):
        year.live(today)
        for age in range(1, 29):
            last = year.read_on[today - dt.timedelta(days=age)][-1]
            assert (today - last).days < next(tier.every for tier in TIERS if age <= tier.age)
    end = FIRST + dt.timedelta(days=240)
    for day, reads in year.read_on.items():
        if (end - day).days > LAST_READ_AGE + 1 and day > FIRST + dt.timedelta(days=60):
            assert 28 < (reads[-1] - day).days <= LAST_READ_AGE
            assert sum((read - day).days > 28 for read in reads) == 1


def test_little_more_than_a_third_of_what_28_days_every_day_would_be():
    year = Year()
    for today in days(FIRST + dt.timedelta(days=60), 60 + 56):
        year.live(today)

    assert round(sum(year.lengths[60:]) / 56, 1) == 10.3
    assert max(year.lengths[60:]) == LAST_READ_AGE


def test_what_was_missed_is_due_and_what_was_just_read_is_not():
    today = FIRST + dt.timedelta(days=100)
    assert due_since(today, {}, TIERS) == today - dt.timedelta(days=28)
    read = {day: today for day in days(today - dt.timedelta(days=35), 35)}
    assert due_since(today, read, TIERS) is None
    del read[today - dt.timedelta(days=20)]
    assert due_since(today, read, TIERS) == today - dt.timedelta(days=20)


@pytest.mark.parametrize("text", ["", "28", "3:1", "3:1,28:0", "7:2,3:1,28:7", "3:4,28:2", "a:b,28:7", "3:1,28:7,40:9"])
def test_a_taper_that_is_none_is_said(text: str):
    with pytest.raises(ConfigError, match="META_PIPELINE_RESTATEMENT"):
        tiers_of(text)
