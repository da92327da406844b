"""`plan`: what a backfill will take, before and beside what it took."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from zoneinfo import ZoneInfo

from harness.home import Home
from harness.sandbox import Sandbox
from meta_pipeline.extract.ads.catalogue.reports import months_before

RANGE = ("--since", "2026-11-01", "--until", "2026-11-10", "--node", "act_1000000001")
REPORTS = ("--report", "ad_insights", "--report", "account_insights", "--report", "ad_insights_by_country")


def run_json(home: Home, *arguments: str) -> dict[str, Any]:
    ran = home.run(*arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    forecast: dict[str, Any] = json.loads(ran.stdout)
    return forecast


def test_the_forecast_of_a_backfill_is_what_the_next_one_takes(home: Home, sandbox: Sandbox) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    calls = sum(sandbox.control("calls").values())
    first = run_json(home, "plan", *RANGE, *REPORTS)
    assert sum(sandbox.control("calls").values()) == calls  # nothing is asked of Meta
    assert not first["is_certain"] and first["calls"] > 0
    (account,) = first["accounts"]
    assert [report["report_runs"] for report in account["reports"]] == [1, 0, 1] and account["entity_calls"] == 5

    landed = run_json(home, "backfill", *RANGE, *REPORTS, "--no-build")
    assert landed["forecast_calls"] == first["calls"] <= landed["calls"]
    again = run_json(home, "plan", *RANGE, *REPORTS)
    assert again["is_certain"] and [report["report_runs"] for report in again["accounts"][0]["reports"]] == [0, 0, 1]
    assert again["accounts"][0]["entity_calls"] == 0  # read within the day
    assert again["accounts"][0]["percent_of_budget"] < 10
    repeated = run_json(home, "backfill", *RANGE, *REPORTS, "--no-build")
    assert repeated["forecast_calls"] == again["calls"] < landed["calls"]
    assert abs(repeated["calls"] - again["calls"]) <= 1  # its report run is polled once or twice, as it takes

    table = home.run("plan", *RANGE)
    assert table.returncode == 0 and "unknown" in table.stdout and "a first read can need more" in table.stdout


def test_days_that_meta_does_not_keep_any_more_are_left_out_and_said(home: Home) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    today = dt.datetime.now(ZoneInfo("America/Los_Angeles")).date()
    oldest = months_before(today, 13)
    node = ("--node", "act_1000000001")
    since, until = (str(oldest + dt.timedelta(days=n)) for n in (-2, 2))
    ran = home.run(
        "plan", "--since", since, "--until", until, *node, "--report", "ad_insights", "--report",
        "ad_insights_by_hourly", "--json",
    )
    days = {report["report"]: report["days"] for account in json.loads(ran.stdout)["accounts"] for report in account["reports"]}

    assert days == {"ad_insights": 5, "ad_insights_by_hourly": 3}
    assert "Meta keeps 13 months of ad_insights_by_hourly" in ran.stderr
    ran = home.run("plan", "--since", since, "--until", since, *node, "--report", "ad_insights_by_hourly")
    assert ran.returncode == 1 and "choose a later --since" in ran.stderr


def test_what_plan_refuses(home: Home) -> None:
    ran = home.run("plan", *RANGE)
    assert ran.returncode == 1 and "no ad account is linked" in ran.stderr and "Traceback" not in ran.stderr
