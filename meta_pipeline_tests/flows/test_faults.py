"""Every fault of the sandbox, at every kind of call, alone and all together: exact truth, or a day that says why not."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from meta_pipeline.flows import pulls
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.budget import SharedBudget
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import AccessToken, FailedDay, LandedFile
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.store import report_sizes
from meta_pipeline.store.engine import open_store
from meta_pipeline_tests.fakes.virtual_clock import SandboxAdapter, VirtualClock

ACCOUNT = "act_1000000001"
# Frozen days: the clock walks on while faults are waited out, and young days would grow.
DAYS = [dt.date(2026, 10, 5) + dt.timedelta(days=n) for n in range(7)]
REPORTS = ("account_insights", "ad_insights")
FAULTS = (
    "code1_reduce", "100_1487534", "17_2446079", "613_1487742", "4", "80000", "2_503", "200_missing", "dead_metric", "500",
    "html_502", "empty_200", "empty_page", "success_false", "truncated", "timeout", "190_463", "190_458", "190_460",
    "190_467", "190_492", "190_493", "job_failed", "job_skipped", "job_stuck", "33_race", "batch_null",
)
SUBMIT, LOOK, READ = rf"POST {ACCOUNT}/insights", r"GET \d+$", r"GET \d+/insights"


class Line:
    """The flow `land` on a sandbox without a network and a clock without waiting."""

    def __init__(self, path: Path) -> None:
        self.clock = VirtualClock()
        self.graph = Graph(seed=1, now=None)
        self.graph.clock = self.clock.now
        self.token = AccessToken(kind="system_user", value=self.graph.identity.system_user_token)
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(path / "landing", self.engine)
        budget = SharedBudget(
            self.engine, app_id="1", now=self.clock.now, sleep=self.clock.sleep, longest_wait_s=30.0
        )
        self.client = GraphClient(
            graph_url="http://sandbox", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
            audit=lambda event: None, budget=budget, sleep=self.clock.sleep, now=self.clock.now,
            adapter=SandboxAdapter(self.graph, self.clock, latency_s=0.1),
        )
        self.done: list[LandedFile | FailedDay] = []

    def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
        return self.token

    def run(self, backfill_id: str = "b", reports: Sequence[str] = REPORTS) -> list[LandedFile | FailedDay]:
        def program() -> None:
            by = PullContext(
                graph=self.client, tokens=self, landing=self.landing, engine=self.engine, run_id="r", backfill_id=backfill_id, sleep=self.clock.sleep, now=self.clock.now,  # type: ignore[arg-type]
            )
            self.done = list(pulls.land(ACCOUNT, DAYS, reports, context=by))

        self.clock.run(program)
        return self.done

    def never_wrong(self) -> dict[str, int]:
        """Every day landed as the truth has it, or failed with a sentence; how many of each."""
        facts: dict[tuple[str, dt.date], tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
        told = totals.daily_totals(self.graph.world, since=DAYS[0], until=DAYS[-1], at=self.graph.now())
        for level, report in (("account", "account_insights"), ("ad", "ad_insights")):
            for row in told[level]:
                if row["account_id"] == ACCOUNT.removeprefix("act_"):
                    key = (report, dt.date.fromisoformat(row["day"]))
                    facts[key] = (facts[key][0] + Decimal(row["spend"]), facts[key][1] + row["impressions"])
        landed: dict[tuple[str, dt.date], LandedFile] = {}
        failed: set[tuple[str, dt.date]] = set()
        for one in self.done:
            if isinstance(one, LandedFile):
                landed[(one.report, one.day)] = one
            else:
                assert len(one.reason) > 20 and self.token.value not in one.reason
                failed.add((one.report, one.day))
        for key in [(report, day) for report in REPORTS for day in DAYS]:
            assert key in landed or key in failed, f"{key} is neither landed nor failed"
        for key, file in landed.items():
            rows = [json.loads(text) for text in pq.read_table(file.path).column("payload").to_pylist()]
            sums = (sum((Decimal(row["spend"]) for row in rows), Decimal(0)), sum(int(row["impressions"]) for row in rows))
            assert sums == facts[key], f"{key} landed wrong"
        return {"landed": len(landed), "failed": len(failed - set(landed))}


# Nothing at all, said four times over with HTTP 200, is what no delivery looks like: `empty_200` comes once.
CASES = [
    (fault, place, times)
    for fault in FAULTS for place in (SUBMIT, LOOK, READ) for times in (1, 6)
    if (fault, place, times) != ("empty_200", READ, 6)
]


@pytest.mark.parametrize(("fault", "place", "times"), CASES)
def test_one_fault_never_makes_a_wrong_number(tmp_path: Path, fault: str, place: str, times: int):
    line = Line(tmp_path)
    line.graph.faults.plan([{"fault": fault, "path": place, "times": times}])
    line.run()
    line.never_wrong()
    line.graph.faults.planned.clear()
    line.clock.run(lambda: line.clock.sleep(7200))
    line.run()  # the same command, once the trouble is over

    assert line.never_wrong() == {"landed": 14, "failed": 0}


def test_all_faults_at_once_never_make_a_wrong_number(tmp_path: Path):
    line = Line(tmp_path)
    plans: list[dict[str, Any]] = [
        {"fault": fault, "path": place, "times": 1} for fault in FAULTS for place in (SUBMIT, LOOK, READ)
    ]
    line.graph.faults.plan(plans)
    for _ in range(60):
        line.run()
        counts = line.never_wrong()
        if counts["failed"] == 0:
            break
        line.clock.run(lambda: line.clock.sleep(3600))
    assert line.never_wrong() == {"landed": 14, "failed": 0}


def calls_of(line: Line, pattern: str) -> int:
    return line.graph.calls.get(pattern, 0)


def test_a_day_that_is_too_much_at_once_is_read_by_ids_and_the_next_plan_asks_for_less(tmp_path: Path):
    line = Line(tmp_path)
    line.graph.limits.settings.rows_a_request = 40  # the account has more than twice as many ads a day
    line.run()
    assert line.never_wrong() == {"landed": 14, "failed": 0}
    tried = calls_of(line, "POST /act_{id}/insights")
    before = sum(line.graph.calls.values())
    line.clock.run(lambda: line.clock.sleep(3600))
    line.run("another backfill")

    assert line.never_wrong() == {"landed": 14, "failed": 0}
    # That the ads of a week are too much for a report run is not found out again.
    assert calls_of(line, "POST /act_{id}/insights") == tried
    assert sum(line.graph.calls.values()) - before < before


def test_pages_grow_and_what_worked_is_remembered(tmp_path: Path):
    line, report = Line(tmp_path), "ad_insights_by_demographics"

    def pages(backfill_id: str) -> int:
        """How many pages the week takes; every figure of it is right."""
        before = calls_of(line, "GET /{id}/insights")
        files = [file for file in line.run(backfill_id, (report,)) if isinstance(file, LandedFile)]
        rows = [json.loads(text) for file in files for text in pq.read_table(file.path).column("payload").to_pylist()]
        true = [row for row in totals.daily_totals(line.graph.world, since=DAYS[0], until=DAYS[-1], at=line.graph.now())["account"] if f"act_{row['account_id']}" == ACCOUNT]
        assert sum(int(row["impressions"]) for row in rows) == sum(row["impressions"] for row in true)
        line.rows = len(rows)
        return calls_of(line, "GET /{id}/insights") - before

    first, second = pages("one"), pages("two")
    assert line.rows > 5000
    assert (first, second) == (3, 2)  # 1000 and 4000 and 5000, then 5000 at once; at pages of 500 it is 11 at least
    line.graph.limits.settings.page_bytes = 300_000
    pages("three")
    known = report_sizes.get(line.engine, node_id=ACCOUNT, report=report)
    assert 200 <= known["page"] < 5000 and known["days"] == 7 and known["rows_per_day"] == line.rows / 7


def test_a_small_range_is_read_at_once_and_as_a_report_run_when_that_was_too_much(tmp_path: Path):
    line = Line(tmp_path)
    line.run()
    submitted = calls_of(line, "POST /act_{id}/insights")
    assert submitted == 1  # the ads; an account's total is a row a day, so it needs none
    line.run("two")
    assert calls_of(line, "POST /act_{id}/insights") == submitted  # known to be few rows by now
    # Of each of the two reports, pages of 1000, 500, 250, 125, 62, 31 and 25 rows.
    line.graph.faults.plan([{"fault": "100_1487534", "path": rf"GET {ACCOUNT}/insights", "times": 14}])
    line.run("three")
    assert line.never_wrong() == {"landed": 14, "failed": 0}
    assert calls_of(line, "POST /act_{id}/insights") == submitted + 2
    assert report_sizes.get(line.engine, node_id=ACCOUNT, report="ad_insights")["sync_refused"] == 7
    line.run("four")
    assert calls_of(line, "POST /act_{id}/insights") == submitted + 4
