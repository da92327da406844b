"""Partitions and runs in the UI: days that landed are green, days that did not are red; runs of the command line are
runs of the project's jobs, so that the timeline shows them."""

from __future__ import annotations

import json
import subprocess
import sys

from harness.home import Home
from harness.sandbox import Sandbox

STATUS = """
import json, sys
import dagster as dg
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.partitions import ACCOUNT_DAYS
from meta_pipeline.settings import Settings
with instance(Settings()) as opened:
    cached = get_and_update_asset_status_cache_value(opened, landing_key("ad_insights"), ACCOUNT_DAYS)
    green = cached.deserialize_materialized_partition_subsets(ACCOUNT_DAYS).get_partition_keys()
    red = cached.deserialize_failed_partition_subsets(ACCOUNT_DAYS).get_partition_keys()
    origins = {(run.job_name, run.remote_job_origin and run.remote_job_origin.job_name) for run in opened.get_runs()}
    print(json.dumps([sorted(green), sorted(red), sorted(origins)]))
"""


def status(home: Home) -> tuple[list[str], list[str], list[list[str]]]:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STATUS], env=home.environment, cwd=home.path, capture_output=True,
        text=True, timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    green, red, origins = json.loads(ran.stdout.splitlines()[-1])
    return green, sorted(set(red) - set(green)), origins


# By job: the job whose timeline shows the run.
RUNS = [[job, job] for job in ("onboarding_job", "pull_ads", "pull_entities")]


def test_the_half_that_failed_is_red_and_the_same_command_turns_it_green(
    home: Home, sandbox: Sandbox
) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    sandbox.control("faults", [
        {"fault": "code1_reduce", "path": "POST act_1000000002/insights"},
        {"fault": "200_missing", "path": "POST act_1000000002/insights", "times": 3},
    ])
    backfill = (
        "backfill", "--since", "2026-11-01", "--until", "2026-11-12", "--node", "act_1000000002",
        "--report", "ad_insights", "--no-build",
    )
    days = [f"act_1000000002|2026-11-{day:02}" for day in range(1, 13)]
    ran = home.run(*backfill)

    assert ran.returncode == 1
    assert "6 day(s) did not land" in ran.stderr and "ads_read" in ran.stderr and "Traceback" not in ran.stderr
    assert status(home) == (days[6:], days[:6], RUNS)
    again = home.run(*backfill)
    assert again.returncode == 0, again.stderr
    assert "resuming" in again.stderr
    assert status(home) == (days, [], RUNS)
    # Twelve days, then six and six before the run, both refused; the run submits both again, one is refused again. The
    # second command knows that they have few rows and submits no report run.
    assert sandbox.control("calls")["POST /act_{id}/insights"] == 5
