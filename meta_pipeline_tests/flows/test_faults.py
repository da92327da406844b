"""Every fault of the sandbox, at every kind of call, alone and together: exact figures, or a day with a reason."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.faults import faulty_node_pull
from harness.faults.faulty_node_pull import FaultyNodePull
from harness.faults.faulty_pull import ACCOUNT, DAYS, FaultyPull
from harness.nodes.node_truth import NodeTruth, control_of
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, KINDS_BY_NAME, PAGE, NodeKind
from meta_pipeline.records import LandedFile
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.store.pulls import report_sizes

FAULTS = (
    "code1_reduce", "100_1487534", "17_2446079", "613_1487742", "4", "80000", "2_503", "200_missing", "dead_metric", "500",
    "html_502", "empty_200", "empty_page", "success_false", "truncated", "timeout", "190_463", "190_458", "190_460",
    "190_467", "190_492", "190_493", "job_failed", "job_skipped", "job_stuck", "33_race", "batch_null",
)
SUBMIT, POLL, READ = rf"POST {ACCOUNT}/insights", r"GET \d+$", r"GET \d+/insights"


# Four empty answers with HTTP 200 are the same as no delivery: `empty_200` is injected once.
CASES = [
    (fault, place, times)
    for fault in FAULTS for place in (SUBMIT, POLL, READ) for times in (1, 6)
    if (fault, place, times) != ("empty_200", READ, 6)
]


@pytest.mark.parametrize(("fault", "place", "times"), CASES)
def test_one_fault_never_causes_a_wrong_number(tmp_path: Path, fault: str, place: str, times: int) -> None:
    pull = FaultyPull(tmp_path)
    pull.graph.faults.plan([{"fault": fault, "path": place, "times": times}])
    pull.run()
    pull.never_wrong()
    pull.graph.faults.planned.clear()
    pull.clock.run(lambda: pull.clock.sleep(7200))
    pull.run()  # the same command after the fault

    assert pull.never_wrong() == {"landed": 14, "failed": 0}


def test_all_faults_at_once_never_cause_a_wrong_number(tmp_path: Path) -> None:
    pull = FaultyPull(tmp_path)
    plans: list[dict[str, Any]] = [
        {"fault": fault, "path": place, "times": 1} for fault in FAULTS for place in (SUBMIT, POLL, READ)
    ]
    pull.graph.faults.plan(plans)
    for _ in range(60):
        pull.run()
        counts = pull.never_wrong()
        if counts["failed"] == 0:
            break
        pull.clock.run(lambda: pull.clock.sleep(3600))
    assert pull.never_wrong() == {"landed": 14, "failed": 0}


# For Pages and Instagram accounts: one case of each fault, and every case of the faults that look like an answer.
# `benchmarks/faults.py` has all cases.
ANSWER_LIKE = (*faulty_node_pull.NO_DATA, "100_33")


def node_cases(kind: NodeKind) -> Iterator[tuple[str, str, str, int]]:
    for fault in faulty_node_pull.FAULTS:
        every = [case for case in faulty_node_pull.cases(kind) if case[0] == fault]
        share = every if fault in ANSWER_LIKE else [random.Random(f"{kind.name} {fault}").choice(every)]
        yield from ((kind.name, *case) for case in share)


@pytest.fixture(scope="module")
def truth() -> NodeTruth:
    """Return the truth of the sandbox of every FaultyNodePull, which computes what several tests need once."""
    return NodeTruth(control_of(faulty_node_pull.faulty_world()))


@pytest.mark.parametrize(("kind", "fault", "place", "times"), [*node_cases(PAGE), *node_cases(INSTAGRAM_ACCOUNT)])
def test_one_fault_never_causes_a_wrong_value_of_a_page_or_an_instagram_account(
    tmp_path: Path, truth: NodeTruth, kind: str, fault: str, place: str, times: int
) -> None:
    pull = FaultyNodePull(tmp_path, KINDS_BY_NAME[kind], truth=truth)
    pull.plan(fault, place, times)
    pull.run()
    pull.never_wrong()

    assert pull.recover() == {"landed": len(pull.requested()), "failed": 0, "dead": 0}


@pytest.mark.parametrize("kind", [PAGE.name, INSTAGRAM_ACCOUNT.name])
def test_all_faults_at_once_never_cause_a_wrong_value(tmp_path: Path, truth: NodeTruth, kind: str) -> None:
    pull = FaultyNodePull(tmp_path, KINDS_BY_NAME[kind], truth=truth)
    plans = [(fault, place, times) for fault, place, times in faulty_node_pull.cases(KINDS_BY_NAME[kind]) if times == 1]
    random.Random(22).shuffle(plans)
    for fault, place, _ in plans:
        if fault not in faulty_node_pull.NO_DATA:  # several in a row are the same as no data
            pull.plan(fault, place, 1)
    for _ in range(60):
        pull.run()
        if pull.never_wrong()["failed"] == 0:
            break
        pull.wait(3600)

    assert pull.recover() == {"landed": len(pull.requested()), "failed": 0, "dead": 0}


def calls_of(pull: FaultyPull, pattern: str) -> int:
    return pull.graph.calls.get(pattern, 0)


def test_a_day_that_is_too_much_at_once_is_read_by_ids_and_the_next_backfill_requests_less(tmp_path: Path) -> None:
    pull = FaultyPull(tmp_path)
    pull.graph.limits.settings.rows_a_request = 40  # the account has more than twice as many ads a day
    pull.run()
    assert pull.never_wrong() == {"landed": 14, "failed": 0}
    tried = calls_of(pull, "POST /act_{id}/insights")
    before = sum(pull.graph.calls.values())
    pull.clock.run(lambda: pull.clock.sleep(3600))
    pull.run("another backfill")

    assert pull.never_wrong() == {"landed": 14, "failed": 0}
    # The second backfill submits no report run: it is stored that the ads of a week are too much for one.
    assert calls_of(pull, "POST /act_{id}/insights") == tried
    assert sum(pull.graph.calls.values()) - before < before


def test_pages_grow_and_the_sizes_that_worked_are_stored(tmp_path: Path) -> None:
    pull, report = FaultyPull(tmp_path), "ad_insights_by_demographics"

    def pages_and_rows(backfill_id: str) -> tuple[int, int]:
        """Read the week and check its sum; return its number of pages and of rows."""
        before = calls_of(pull, "GET /{id}/insights")
        files = [file for file in pull.run(backfill_id, (report,)) if isinstance(file, LandedFile)]
        rows = [json.loads(text) for file in files for text in pq.read_table(file.path).column("payload").to_pylist()]
        true = [row for row in totals.daily_totals(pull.graph.world, since=DAYS[0], until=DAYS[-1], at=pull.graph.now())["account"] if f"act_{row['account_id']}" == ACCOUNT]
        assert sum(int(row["impressions"]) for row in rows) == sum(row["impressions"] for row in true)
        return calls_of(pull, "GET /{id}/insights") - before, len(rows)

    (first, _), (second, rows) = pages_and_rows("one"), pages_and_rows("two")
    assert rows > 5000
    # Pages of 1000, 4000 and 5000 rows, then only of 5000. Pages of 500 rows would be at least 11.
    assert (first, second) == (3, 2)
    pull.graph.limits.settings.page_bytes = 300_000
    _, rows = pages_and_rows("three")
    sizes = report_sizes.get(pull.engine, node_id=ACCOUNT, report=report)
    assert 200 <= sizes["page"] < 5000 and sizes["days"] == 7 and sizes["rows_per_day"] == rows / 7


def test_a_small_range_is_read_at_once_and_as_a_report_run_when_that_was_too_much(tmp_path: Path) -> None:
    pull = FaultyPull(tmp_path)
    pull.run()
    submitted = calls_of(pull, "POST /act_{id}/insights")
    assert submitted == 1  # for the ads; an account's total is one row per day and needs none
    pull.run("two")
    assert calls_of(pull, "POST /act_{id}/insights") == submitted  # known to be few rows by now
    # For each of the two reports, pages of 1000, 500, 250, 125, 62, 31 and 25 rows.
    pull.graph.faults.plan([{"fault": "100_1487534", "path": rf"GET {ACCOUNT}/insights", "times": 14}])
    pull.run("three")
    assert pull.never_wrong() == {"landed": 14, "failed": 0}
    assert calls_of(pull, "POST /act_{id}/insights") == submitted + 2
    assert report_sizes.get(pull.engine, node_id=ACCOUNT, report="ad_insights")["sync_refused"] == 7
    pull.run("four")
    assert calls_of(pull, "POST /act_{id}/insights") == submitted + 4
