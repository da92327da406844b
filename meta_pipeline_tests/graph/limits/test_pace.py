"""The pace of calls: how a budget refills, what a call is assumed to cost and how long it waits."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import pytest

from meta_pipeline.graph.limits.pace import (
    CEILING_PERCENT,
    FIRST_COST_PERCENT,
    LONGEST_BLOCK_S,
    RECHECK_S,
    SLOWEST,
    Budget,
    after_reading,
    after_throttle,
    wait_s,
)
from meta_pipeline.graph.limits.rate_limits import UsageReading

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOUR_S = 3600.0
USED = Budget("k", HOUR_S, percent=80.0, read_at=NOW - dt.timedelta(minutes=30), low_at=NOW, answers=5, cost_percent=1.0)


def used(percent: float, **changes: object) -> Budget:
    """Return a budget that was last read now."""
    return dataclasses.replace(USED, percent=percent, read_at=NOW, low_at=None, **changes)  # type: ignore[arg-type]


def wait(budget: Budget, **changes: float) -> float:
    """Return how long a single call waits when no other call is outstanding or waiting."""
    situation = {"operations": 1, "outstanding": 0, "ahead": 0, "ceiling": CEILING_PERCENT["daily"], **changes}
    return wait_s(budget, now=NOW, **situation)  # type: ignore[arg-type]


class TestRefill:
    def test_half_a_budget_refills_in_half_its_window(self) -> None:
        assert USED.drained(NOW) == 30.0
        assert dataclasses.replace(USED, slowness=1).drained(NOW) == 55.0

    def test_the_used_share_of_a_budget_is_never_negative(self) -> None:
        assert USED.drained(NOW + dt.timedelta(days=1)) == 0.0
        assert Budget("k", HOUR_S).drained(NOW) == 0.0

    def test_a_clock_that_was_set_back_refills_nothing(self) -> None:
        assert USED.read_at is not None
        assert USED.drained(USED.read_at - dt.timedelta(hours=1)) == 80.0

    def test_a_reading_far_above_the_prediction_halves_the_refill(self) -> None:
        after = after_reading(USED, UsageReading(70.0), operations=1, now=NOW)  # 31 was predicted

        assert (after.slowness, after.percent) == (1, 70.0)
        assert after.drained(NOW + dt.timedelta(hours=1)) == 20.0  # 50 points an hour, not 100

    def test_the_refill_is_halved_a_few_times_at_most(self) -> None:
        budget = USED
        for _ in range(SLOWEST + 3):
            budget = dataclasses.replace(budget, percent=80.0, read_at=NOW - dt.timedelta(hours=20), cost_percent=1.0)
            budget = after_reading(budget, UsageReading(79.0), operations=1, now=NOW)

        assert budget.slowness == SLOWEST

    @pytest.mark.parametrize(("percent", "slowness"), [(31.5, 2), (31.0, 1), (29.0, 0), (2.0, 0)])
    def test_a_reading_at_or_below_the_prediction_restores_the_refill(self, percent: float, slowness: int) -> None:
        before = dataclasses.replace(USED, slowness=2, read_at=NOW - dt.timedelta(hours=2))  # 30 now, 31 predicted

        assert before.drained(NOW) == 30.0
        assert slowness == after_reading(before, UsageReading(percent), operations=1, now=NOW).slowness

    def test_a_slower_refill_means_a_longer_wait(self) -> None:
        assert wait(used(95.0), ceiling=85.0) == pytest.approx(396.0)  # 11 points of an hour's 100
        assert wait(used(95.0, slowness=2), ceiling=85.0) == pytest.approx(1584.0)


class TestCost:
    def test_a_first_reading_bounds_the_cost_by_what_is_used(self) -> None:
        new = Budget("k", HOUR_S)

        assert new.cost_percent == FIRST_COST_PERCENT
        assert after_reading(new, UsageReading(50.0), operations=1, now=NOW).cost_percent == FIRST_COST_PERCENT
        assert after_reading(new, UsageReading(0.5), operations=4, now=NOW).cost_percent == 0.25  # (0.5 + 0.5) / 4

    def test_a_rise_is_the_new_cost_at_once(self) -> None:
        assert after_reading(used(10.0), UsageReading(18.0), operations=2, now=NOW).cost_percent == 4.0

    def test_a_smaller_rise_lowers_the_cost_slowly(self) -> None:
        assert after_reading(used(10.0), UsageReading(10.5), operations=1, now=NOW).cost_percent == pytest.approx(0.95)
        assert after_reading(used(10.0), UsageReading(10.0), operations=1, now=NOW).cost_percent == pytest.approx(0.9)

    def test_the_cost_of_a_call_is_at_most_what_the_reading_allows(self) -> None:
        after = after_reading(used(0.0, cost_percent=5.0), UsageReading(0.5), operations=1, now=NOW)

        assert after.cost_percent == 1.0


class TestCeiling:
    def test_a_backfill_leaves_a_reserve_to_the_daily_run(self) -> None:
        assert (CEILING_PERCENT["backfill"], CEILING_PERCENT["daily"]) == (85.0, 95.0)
        at_90 = used(90.0)

        assert wait(at_90, ceiling=CEILING_PERCENT["daily"]) == 0.0
        assert wait(at_90, ceiling=CEILING_PERCENT["backfill"]) == pytest.approx(216.0)  # (91 - 85) % of an hour

    def test_a_call_waits_for_the_end_of_the_window_when_that_is_sooner(self) -> None:
        almost_over = dataclasses.replace(used(99.0), low_at=NOW - dt.timedelta(seconds=HOUR_S - 60))

        assert wait(almost_over) == 60.0
        assert wait(dataclasses.replace(almost_over, low_at=NOW - dt.timedelta(hours=2))) == pytest.approx(180.0)
        assert almost_over.window_ends_in_s(NOW) == 60.0 and used(99.0).window_ends_in_s(NOW) == math.inf

    def test_a_call_that_costs_more_than_the_whole_budget_goes_when_nothing_is_used(self) -> None:
        expensive = used(50.0, cost_percent=120.0)

        assert wait(expensive) == pytest.approx(1980.0)  # until nothing is used: (150 - 95) % of an hour
        assert wait(dataclasses.replace(expensive, percent=0.0)) == 0.0

    def test_calls_go_one_at_a_time_near_the_limit(self) -> None:
        assert wait(used(70.0), outstanding=1) == 0.0
        assert wait(used(74.0), outstanding=1) == RECHECK_S
        assert wait(used(74.0)) == 0.0

    def test_calls_that_have_waited_longer_go_first_when_there_is_not_room_for_all(self) -> None:
        assert wait(used(70.0), ahead=4) == 0.0
        assert wait(used(70.0), ahead=5) == RECHECK_S

    def test_an_unknown_budget_is_tried_by_one_call(self) -> None:
        new = Budget("k", HOUR_S)

        assert wait(new) == 0.0
        assert wait(new, outstanding=1) == RECHECK_S and wait(new, ahead=1) == RECHECK_S

    def test_responses_without_usage_delay_no_call(self) -> None:
        silent = after_reading(Budget("k", HOUR_S), None, operations=1, now=NOW)

        assert silent.answers == 1 and silent.percent is None
        assert wait(silent, outstanding=50, ahead=9) == 0.0


class TestBlocks:
    def test_a_throttled_budget_is_blocked_for_as_long_as_meta_says(self) -> None:
        blocked = after_throttle(used(90.0), for_s=120.0, now=NOW)

        assert (blocked.percent, blocked.block_s) == (100.0, 120.0)
        assert wait(blocked) == 120.0
        assert wait_s(blocked, operations=1, outstanding=0, ahead=0, ceiling=95.0, now=NOW + dt.timedelta(seconds=90)) == 30.0

    def test_a_block_that_follows_at_once_is_twice_as_long_up_to_an_hour(self) -> None:
        blocked = after_throttle(used(90.0), for_s=60.0, now=NOW)
        lengths = []
        for _ in range(8):
            blocked = after_throttle(blocked, for_s=60.0, now=NOW)
            lengths.append(blocked.block_s)

        assert lengths[:3] == [120.0, 240.0, 480.0] and lengths[-1] == LONGEST_BLOCK_S == 3600.0

    def test_after_a_block_one_call_is_tried_and_its_success_ends_the_block(self) -> None:
        later = NOW + dt.timedelta(seconds=61)
        blocked = after_throttle(used(90.0), for_s=60.0, now=NOW)
        alone, beside = (
            wait_s(blocked, operations=1, outstanding=n, ahead=0, ceiling=95.0, now=later) for n in (0, 1)
        )

        assert (alone, beside) == (0.0, RECHECK_S)
        assert after_reading(blocked, UsageReading(20.0), operations=1, now=later).block_s == 0.0

    def test_a_header_that_names_the_time_to_regain_access_blocks(self) -> None:
        after = after_reading(used(90.0), UsageReading(100.0, regain_s=300.0), operations=1, now=NOW)

        assert wait(after) == 300.0
        assert wait(after_reading(after, UsageReading(100.0, regain_s=60.0), operations=1, now=NOW)) == 300.0
