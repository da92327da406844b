"""A backfill that is killed while it lands, commits, loads and builds: the same command ends with exact figures.

`benchmarks/kills.py` does the same at random moments."""

from __future__ import annotations

import random
from collections.abc import Callable

from harness.home import Home
from harness.kills.backfilled_week import connect
from harness.kills.kills import DAYS, Killing
from harness.sandbox import Sandbox


def test_a_backfill_that_is_killed_five_times_ends_with_exact_figures(home: Home, sandbox: Sandbox) -> None:
    killing = Killing(connect(home), sandbox)
    chance = random.Random(20261124)
    warehouse = home.path / "home" / "warehouse.duckdb"
    moments: list[Callable[[], bool]] = [
        lambda: killing.posts >= 2,  # while report runs are submitted
        lambda: killing.landed >= DAYS // 3,  # while days are committed
        lambda: killing.landed >= 2 * DAYS // 3,
        lambda: killing.landed == DAYS and warehouse.exists(),  # while the warehouse is loaded
        lambda: killing.loaded >= DAYS,  # while dbt builds
    ]
    for moment in moments:
        killing.start()
        killing.kill_when(moment, chance.uniform(0.0, 0.3))
    built = home.run("build")  # the slot that the killed build held in Dagster's pool is free
    assert built.returncode == 0, built.stderr
    killing.finish()

    assert killing.wrong_nodes() == []
    assert killing.is_true()
