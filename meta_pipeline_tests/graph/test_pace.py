"""How fast a budget is believed to refill, in values."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from meta_pipeline.graph.limits import Reading
from meta_pipeline.graph.pace import SLOWEST, Budget, told, wait_s

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOUR_S = 3600.0
USED = Budget("k", HOUR_S, percent=80.0, read_at=NOW - dt.timedelta(minutes=30), low_at=NOW, answers=5, cost_percent=1.0)


def test_a_budget_that_refills_steadily_is_half_empty_after_half_its_window():
    assert USED.drained(NOW) == 30.0
    assert dataclasses.replace(USED, slowness=1).drained(NOW) == 55.0


def test_a_figure_far_above_the_prediction_halves_the_refill():
    after = told(USED, Reading(70.0), operations=1, now=NOW)  # 31 was predicted

    assert (after.slowness, after.percent) == (1, 70.0)
    assert after.drained(NOW + dt.timedelta(hours=1)) == 20.0  # 50 points an hour, not 100


def test_the_refill_is_halved_a_few_times_at_most():
    budget = USED
    for _ in range(SLOWEST + 3):
        budget = dataclasses.replace(budget, percent=80.0, read_at=NOW - dt.timedelta(hours=20), cost_percent=1.0)
        budget = told(budget, Reading(79.0), operations=1, now=NOW)

    assert budget.slowness == SLOWEST


@pytest.mark.parametrize(("percent", "slowness"), [(31.5, 2), (31.0, 1), (29.0, 0), (2.0, 0)])
def test_a_figure_at_or_below_the_prediction_believes_in_the_refill_again(percent: float, slowness: int):
    before = dataclasses.replace(USED, slowness=2, read_at=NOW - dt.timedelta(hours=2))  # 30 now, 31 predicted

    assert before.drained(NOW) == 30.0
    assert slowness == told(before, Reading(percent), operations=1, now=NOW).slowness


def test_a_slower_refill_means_a_longer_wait():
    full = dataclasses.replace(USED, percent=95.0, read_at=NOW, low_at=None)
    ask = {"operations": 1, "outstanding": 0, "ahead": 0, "ceiling": 85.0, "now": NOW}

    assert wait_s(full, **ask) == 396.0  # 11 points of an hour's 100
    assert wait_s(dataclasses.replace(full, slowness=2), **ask) == 1584.0
