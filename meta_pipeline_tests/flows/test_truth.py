"""Days of the daily routine with random faults: every report, level and breakdown equals the sandbox's total, now and
at every moment of a read, and every metric of Pages and Instagram accounts equals the sandbox's value.
`benchmarks/truth.py` does the same for a month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from harness.routine.routine import Routine
from harness.routine.warehouse_comparison import WarehouseComparison

# The 28 days before it have the ends of summer time in Berlin, London (10-25) and Los Angeles (11-01).
START = dt.date(2026, 11, 2)
MOVES = {"1000000002": {"at": "2026-11-03T02:00:00+00:00", "timezone": "America/New_York"}}


def test_three_days_with_faults_are_exact_in_every_report_and_at_every_moment(tmp_path: Path) -> None:
    routine = Routine(tmp_path, START, ads=4, moves=MOVES)
    for _ in range(3):
        routine.one_day()
    routine.build()
    comparison = WarehouseComparison(routine)

    assert comparison.everything() == []
    assert comparison.rows > 50_000 and comparison.moments > 5_000
    # The faults that occurred: too much at once by days, ids and fields, failed report runs, a race, lost answers.
    assert {"data_points_a_request", "fewer data points than an ad's day has", "33_race", "empty_200",
            "job_failed", "job_skipped", "job_stuck"} <= routine.met.keys()
    assert comparison.node_rows > 3_000
    assert {"empty_200", "2_503", "batch_null"} & routine.nodes.met.keys()
    assert routine.nodes.changed == {"posts edited": 9, "posts deleted": 9, "media edited": 9, "media deleted": 9}
