"""The outcome of a report run, from its fields."""

from __future__ import annotations

import pytest

from meta_pipeline.extract.ads.insights.durations import stuck_after_s
from meta_pipeline.extract.ads.insights.run_status import Abandoned, Done, outcome_of


@pytest.mark.parametrize(
    ("status", "percent", "kind"),
    [
        ("Job Not Started", 0, type(None)), ("Job Running", 60, type(None)), ("Job Running", 100, type(None)),
        ("Job Completed", 99, type(None)), ("Job Completed", 100, Done), ("Job Failed", 100, Abandoned),
        ("Job Skipped", 0, Abandoned),
    ],
)
def test_only_completed_and_100_percent_is_a_result(status: str, percent: int, kind: type) -> None:
    fields = {"async_status": status, "async_percent_completion": percent}

    assert kind is type(outcome_of(fields, unchanged_s=0, stuck_after_s=900, watched_s=0))


def test_a_run_that_never_ends_is_abandoned_and_left_to_the_next_process() -> None:
    outcome = outcome_of({"async_status": "Job Running"}, unchanged_s=0, stuck_after_s=900, watched_s=10_000)

    assert isinstance(outcome, Abandoned) and not outcome.resubmit and outcome.is_stuck


@pytest.mark.parametrize(("expected_s", "unchanged_s", "is_stuck"), [
    (None, 899, False), (None, 900, True), (30, 900, True), (400, 1999, False), (400, 2000, True),
])
def test_a_run_is_stuck_after_fifteen_minutes_or_five_times_what_the_report_took(
    expected_s: float | None, unchanged_s: float, is_stuck: bool
) -> None:
    outcome = outcome_of(
        {"async_status": "Job Running", "async_percent_completion": 60}, unchanged_s=unchanged_s,
        stuck_after_s=stuck_after_s(expected_s), watched_s=0,
    )

    assert isinstance(outcome, Abandoned) == is_stuck
    assert not isinstance(outcome, Abandoned) or (outcome.resubmit and outcome.is_stuck)
