"""How long a report run is expected to take, and when it is polled."""

from __future__ import annotations

import pytest

from meta_pipeline.extract.ads.insights import durations
from meta_pipeline.extract.ads.insights.durations import EndedRun, expected_s, first_poll_s
from meta_pipeline.store.pulls.report_sizes import APP


def test_a_duration_is_that_of_the_account_then_of_the_app_then_of_another_size_then_of_another_report() -> None:
    stored = {
        ("act_1", "ads", 32): 50.0, (APP, "ads", 32): 40.0, (APP, "ads", 8): 12.0, (APP, "other", 32): 30.0,
    }

    def expected(node_id: str, report: str, days: int) -> float | None:
        return expected_s(stored, node_id=node_id, report=report, days=days)

    assert expected("act_1", "ads", 30) == 50 and expected("act_2", "ads", 17) == 40 and expected("act_2", "ads", 7) == 12
    assert expected("act_2", "ads", 3) == 12 and expected("act_1", "ads", 3) == 50
    assert expected("act_2", "new", 30) == pytest.approx((40 + 12 + 30) / 3)
    assert expected_s({}, node_id="act_2", report="ads", days=1) is None


@pytest.mark.parametrize(("age", "running_at", "expected", "status", "took"), [
    (32.0, 16.0, None, {"time_ref": 1000, "time_completed": 1021}, 21.0),  # Meta's own times
    (32.0, 16.0, None, {"time_ref": 1000, "time_completed": 1000}, 32.0),  # equal times are no duration
    (32.0, 16.0, None, {}, 32.0),
    (44.3, None, 40.0, {}, 36.0),  # done at the first poll: maybe earlier
])
def test_the_duration_of_an_ended_run(age: float, running_at: float | None, expected: float | None, status: dict[str, int], took: float) -> None:
    assert EndedRun(age_s=age, running_at_s=running_at, expected_s=expected, status=status).took_s == took


def test_polls_that_follow_a_learned_duration_do_not_drift() -> None:
    stored: dict[tuple[str, str, int], float] = {}
    polls = []
    for _ in range(30):  # a run takes 30 s, and Meta returns no times
        expected = expected_s(stored, node_id="act_1", report="ads", days=30)
        age, running_at, count = durations.FIRST_POLL_S if expected is None else first_poll_s(expected), None, 1
        while age < 30:
            running_at, age = age, age + durations.pause_s(expected, age_s=age, polls=count)
            count += 1
        polls.append(count)
        stored |= durations.updated(
            stored, EndedRun(age_s=age, running_at_s=running_at, expected_s=expected, status={}), node_id="act_1", report="ads", days=30
        )
        assert age <= 64

    assert sum(polls[1:]) <= 2 * len(polls[1:]) and max(polls[1:]) <= 2
