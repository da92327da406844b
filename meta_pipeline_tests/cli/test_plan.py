"""`plan`: the forecast of a backfill, compared with the calls that the backfill then makes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from harness.home import Home
from harness.partitions import NOW, link, node_ids, settings_of
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import DaysAgo
from meta_pipeline.cli.backfill.plan import STORIES, describe_plan, plan_backfill, rows_by_report
from meta_pipeline.extract.ads.catalogue.reports import months_before
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT
from meta_pipeline.records import Batch

RANGE = ("--since", "2026-11-01", "--until", "2026-11-10", "--node", "act_1000000001")
REPORTS = ("--report", "ad_insights", "--report", "account_insights", "--report", "ad_insights_by_country")


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(settings_of(tmp_path), now=lambda: NOW)


def run_json(home: Home, *arguments: str) -> dict[str, Any]:
    ran = home.run(*arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    forecast: dict[str, Any] = json.loads(ran.stdout)
    return forecast


def test_a_forecast_is_close_to_the_calls_of_a_repeated_backfill(home: Home, sandbox: Sandbox) -> None:
    assert home.run("connect", "--no-browser").returncode == 0
    calls = sum(sandbox.control("calls").values())
    first = run_json(home, "plan", *RANGE, *REPORTS)
    assert sum(sandbox.control("calls").values()) == calls  # a plan makes no call
    assert not first["is_certain"] and first["calls"] > 0
    (account,) = first["accounts"]
    assert [report["report_runs"] for report in account["reports"]] == [1, 0, 1] and account["entity_calls"] == 6

    landed = run_json(home, "backfill", *RANGE, *REPORTS, "--no-build")
    assert landed["forecast_calls"] == first["calls"] <= landed["calls"]
    again = run_json(home, "plan", *RANGE, *REPORTS)
    assert again["is_certain"] and [report["report_runs"] for report in again["accounts"][0]["reports"]] == [0, 0, 1]
    assert again["accounts"][0]["entity_calls"] == 0  # read within the day
    assert again["accounts"][0]["percent_of_budget"] < 10
    repeated = run_json(home, "backfill", *RANGE, *REPORTS, "--no-build")
    assert repeated["forecast_calls"] == again["calls"] < landed["calls"]
    assert abs(repeated["calls"] - again["calls"]) <= 1  # its report run is polled once or twice

    table = home.run("plan", *RANGE)
    assert table.returncode == 0 and "unknown" in table.stdout and "a first read can need more" in table.stdout


def test_days_that_meta_no_longer_keeps_are_left_out_with_a_message(home: Home) -> None:
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


def test_the_forecast_has_the_hourly_calls_for_stories(runtime: Runtime) -> None:
    link(runtime, 1)
    link(runtime, 2, INSTAGRAM_ACCOUNT)
    first, second = node_ids(2, INSTAGRAM_ACCOUNT)
    batch = Batch(records=(), trace_id="T", version="v24.0", fetched_at=NOW)
    stories = [(f'{{"id": "{number}", "timestamp": "{NOW.isoformat()}"}}'.encode(), batch) for number in range(2)]
    runtime.landing.write_day(  # two stories were live at the last read
        "instagram_stories", first, NOW.date(), stories, request={}, run_id="r", backfill_id="b", now=NOW
    )
    plan = plan_backfill(runtime, DaysAgo(3), DaysAgo(1), nodes=(), reports=(), is_fresh=False)

    by_node = {account["account"]: account for account in plan["accounts"]}
    assert list(by_node) == [*node_ids(1), first, second]  # one entry per node, even with several ranges
    assert "hourly_story_calls" not in by_node[node_ids(1)[0]]
    # One call for the list; for each story one for the plain metrics and one for those with a breakdown.
    assert (by_node[first]["hourly_story_calls"], by_node[second]["hourly_story_calls"]) == (5, 1)
    assert (first, STORIES, "", "", 5, "") in rows_by_report(plan)
    assert "; 6 calls more every hour for stories" in describe_plan(plan)
    without = plan_backfill(runtime, DaysAgo(3), DaysAgo(1), nodes=(), reports=("instagram_insights",), is_fresh=False)
    assert "stories" not in describe_plan(without) and STORIES not in {row[1] for row in rows_by_report(without)}


def test_a_plan_without_linked_accounts_is_refused(home: Home) -> None:
    ran = home.run("plan", *RANGE)
    assert ran.returncode == 1 and "no ad account is linked" in ran.stderr and "Traceback" not in ran.stderr
