"""Killed again and again, while it lands, commits, loads and builds: the same command ends in exact truth."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable

from meta_pipeline_tests.conftest import Home, Sandbox
from meta_pipeline_tests.flows.test_pipeline import ALL, connected, posts, sums_of, truth_of

REPORTS = ("account_insights", "ad_insights", "ad_insights_by_demographics")
DAYS = 6 * 7 * len(REPORTS)
BACKFILL = (*ALL, *(word for report in REPORTS for word in ("--report", report)))


def asked(home: Home, query: str) -> int:
    with sqlite3.connect(home.path / "home" / "control.sqlite") as store:
        return int(store.execute(query).fetchone()[0])


def landed(home: Home) -> int:
    return asked(home, "select count(*) from landed_files where report like '%insights%'")


def loaded(home: Home) -> int:
    return asked(home, "select count(*) from landed_files where loaded_at is not null")


def killed_when(home: Home, is_time: Callable[[], bool], pause_s: float) -> None:
    """Start the backfill and kill all of its processes a moment after `is_time`."""
    running = subprocess.Popen(
        [*home.command, *BACKFILL], env=home.environment, cwd=home.path, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )
    while not is_time():
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    time.sleep(pause_s)
    assert running.poll() is None, "it ended before it could be killed"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def test_five_kills_and_exact_truth(home: Home, sandbox: Sandbox):
    connected(home)
    chance = random.Random(20261124)
    warehouse = home.path / "home" / "warehouse.duckdb"
    moments: list[Callable[[], bool]] = [
        lambda: posts(sandbox) >= 2,  # while report runs are asked for
        lambda: landed(home) >= DAYS // 3,  # while days are committed
        lambda: landed(home) >= 2 * DAYS // 3,
        lambda: landed(home) == DAYS and warehouse.exists(),  # while the warehouse is loaded
        lambda: loaded(home) >= DAYS,  # while dbt builds
    ]
    for moment in moments:
        killed_when(home, moment, chance.uniform(0.0, 0.3))
    ended = home.run(*BACKFILL)

    assert ended.returncode == 0, ended.stderr
    assert landed(home) == DAYS
    truth = truth_of(sandbox)
    for level in ("account", "ad", "demographics"):
        assert truth == sums_of(home, level), level
    # What was recorded is not paid twice; beyond that, at most what two workers had in flight at each kill.
    recorded = asked(home, "select count(distinct report_run_id) from report_runs")
    assert recorded <= posts(sandbox) <= recorded + 2 * len(moments)
