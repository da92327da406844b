"""Several accounts at once: one's trouble is nobody else's, and nobody waits for another's report run."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from meta_pipeline.flows import pulls, side_by_side
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.landing.days import OpenDays
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.store import deferrals, ledger, report_runs
from meta_pipeline_tests.fakes.frozen_clock import StillHome

ACCOUNTS = ("act_1000000001", "act_1000000002", "act_1000000003")
DAYS = [dt.date(2026, 11, 2) + dt.timedelta(days=n) for n in range(6)]
ASKED = dict.fromkeys(ACCOUNTS, DAYS)


@pytest.fixture
def home(tmp_path: Path) -> StillHome:
    home = StillHome(tmp_path)
    home.onboard(home.mint("SYSTEM_USER"))
    return home


@pytest.fixture
def by(home: StillHome, tmp_path: Path) -> PullContext:
    return PullContext(
        graph=home.client, tokens=home.vault, landing=Landing(tmp_path / "landing", home.engine), engine=home.engine, run_id="r", backfill_id="b", sleep=home.clock.sleep,
        now=home.clock.now,
    )


def posts(home: StillHome) -> int:
    return sum(count for name, count in home.graph.calls.items() if name.startswith("POST /act"))


def test_one_accounts_failure_leaves_the_others_done(home: StillHome, by: PullContext):
    home.graph.access.tasks["1000000002"] = []
    found = list(side_by_side.land_side_by_side(ASKED, ["ad_insights"], context=by))
    failed = [done for done in found if isinstance(done, FailedDay)]

    assert {done.node_id for done in failed} == {"act_1000000002"} and [done.day for done in failed] == DAYS
    landed = {(done.node_id, done.day) for done in found if isinstance(done, LandedFile)}
    assert landed == {(node, day) for node in ("act_1000000001", "act_1000000003") for day in DAYS}


def test_what_was_asked_for_ahead_is_found_done_and_paid_once(home: StillHome, by: PullContext):
    for node in ACCOUNTS:
        pulls.prefetch_runs(node, DAYS, ["ad_insights", "account_insights"], context=by)
    assert posts(home) == 3  # totals are read at once: they need no report run
    looks = sum(count for name, count in home.graph.calls.items() if name == "GET /{id}")
    found = list(side_by_side.land_side_by_side(ASKED, ["ad_insights", "account_insights"], context=by))

    assert all(isinstance(done, LandedFile) for done in found) and len(found) == 2 * 3 * len(DAYS)
    assert posts(home) == 3
    assert looks == sum(count for name, count in home.graph.calls.items() if name == "GET /{id}")


def test_a_finished_report_run_that_meta_forgot_is_asked_for_anew(home: StillHome, by: PullContext):
    pulls.prefetch_runs(ACCOUNTS[0], DAYS, ["ad_insights"], context=by)
    home.graph.report_runs.by_id.clear()
    found = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))

    assert all(isinstance(done, LandedFile) for done in found) and posts(home) == 2
    (run,) = report_runs.recorded(home.engine, backfill_id="b", node_id=ACCOUNTS[0], report="ad_insights")
    assert run.is_done


def test_what_waits_for_a_limit_is_not_asked_for_again_until_it_is_due(home: StillHome, by: PullContext):
    wait = {"backfill_id": "b", "node_id": ACCOUNTS[0], "report": "ad_insights", "since": DAYS[0], "until": DAYS[-1]}
    told = str(ThrottledError("too many calls", code=80000))
    deferrals.defer(home.engine, **wait, retry_at=home.clock.now() + dt.timedelta(minutes=5), reason=told)
    before = sum(home.graph.calls.values())
    found = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))

    assert [done.reason for done in found] == [told] * len(DAYS)  # type: ignore[union-attr]
    assert before == sum(home.graph.calls.values())
    home.clock.sleep(301)
    assert all(isinstance(done, LandedFile) for done in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))


def test_a_day_that_meta_keeps_no_more_fails_with_that_reason_and_no_call(home: StillHome, by: PullContext):
    before = sum(home.graph.calls.values())
    (failed,) = pulls.land(ACCOUNTS[0], [dt.date(2025, 9, 30)], ["ad_insights_by_hourly"], context=by)

    assert isinstance(failed, FailedDay) and "keeps 13 months" in failed.reason
    assert before == sum(home.graph.calls.values())


def test_a_report_run_is_looked_at_first_when_the_last_one_was_done(home: StillHome, by: PullContext):
    original, looks = home.graph.answer, [0]

    def answer(request: GraphRequest) -> GraphResponse:
        run = home.graph.report_runs.by_id.get(request.path)
        if run is not None and request.method == "GET":
            looks[0] += 1
            if home.clock.now() - run.submitted_at < dt.timedelta(seconds=20):
                return GraphResponse({"id": run.id, "async_status": "Job Running", "async_percent_completion": 60})
            run.polls = 9
        return original(request)

    home.graph.answer = answer  # type: ignore[method-assign]
    for backfill_id, most in (("first", 8), ("second", 2), ("third", 2)):
        looks[0] = 0
        again = dataclasses.replace(by, backfill_id=backfill_id)
        assert all(isinstance(done, LandedFile) for done in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights_by_hourly"], context=again))
        assert 1 <= looks[0] <= most, backfill_id


def test_rows_that_were_seen_and_are_gone_when_the_cursor_is_forgotten_are_no_empty_days(
    home: StillHome, by: PullContext
):
    by = dataclasses.replace(by, largest_page=100)
    pulls.prefetch_runs(ACCOUNTS[0], DAYS, ["ad_insights"], context=by)
    original, pages = home.graph.answer, [0]

    def answer(request: GraphRequest) -> GraphResponse:
        if request.path.endswith("/insights") and request.method == "GET":
            pages[0] += 1
            if pages[0] == 2:
                return GraphApiError("(#100) Invalid cursor", 2642).to_response("T")
            if pages[0] > 2:
                return GraphResponse({"data": []})
        return original(request)

    home.graph.answer = answer  # type: ignore[method-assign]
    found = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))

    assert all(isinstance(done, FailedDay) and "none when it was read again" in done.reason for done in found)
    assert ledger.files_of(home.engine, report="ad_insights", node_id=ACCOUNTS[0]) == []


def test_a_run_whose_result_is_never_there_is_not_bought_for_ever(home: StillHome, by: PullContext):
    original = home.graph.answer

    def answer(request: GraphRequest) -> GraphResponse:
        if request.path.endswith("/insights") and request.method == "GET":
            return unknown_object(request.path).to_response("T")
        return original(request)

    home.graph.answer = answer  # type: ignore[method-assign]
    for _ in range(2):
        assert all(isinstance(done, FailedDay) for done in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))
    assert posts(home) <= 3


def test_a_range_that_is_too_large_is_paid_for_once_and_asking_ahead_lands_nothing(
    home: StillHome, by: PullContext
):
    home.graph.limits.configure({"rows_a_request": 100})
    pulls.prefetch_runs(ACCOUNTS[0], DAYS, ["ad_insights"], context=by)
    asked = posts(home)
    assert ledger.files_of(home.engine, report="ad_insights", node_id=ACCOUNTS[0]) == []
    found = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))

    assert all(isinstance(done, LandedFile) for done in found) and len(found) == len(DAYS)
    assert posts(home) == asked


def test_a_wait_for_a_limit_is_forgotten_when_no_token_is_left(home: StillHome, by: PullContext):
    at = home.clock.now() - dt.timedelta(minutes=1)
    deferrals.defer(
        home.engine, backfill_id="b", node_id="act_7", report="ad_insights", since=DAYS[0], until=DAYS[-1], retry_at=at,
        reason="a limit",
    )
    assert all(isinstance(done, FailedDay) for done in pulls.land("act_7", DAYS, ["ad_insights"], context=by))

    assert deferrals.due_at(home.engine, backfill_id="b", node_id="act_7") is None


def test_a_gated_report_that_gives_nothing_any_more_leaves_the_rows_it_gave(home: StillHome, by: PullContext):
    name, gated = "ad_insights_by_impression_device", ACCOUNTS[0]
    control(home.graph, "world", {"opted_in": [gated]}, {})
    first = list(pulls.land(gated, DAYS, [name], context=by))
    assert all(isinstance(done, LandedFile) for done in first)
    control(home.graph, "world", {"opted_in": []}, {})
    again = list(pulls.land(gated, DAYS, [name], context=dataclasses.replace(by, backfill_id="c")))

    rows = {file.day: file.rows for file in ledger.files_of(home.engine, report=name, node_id=gated)}
    assert {day for day, count in rows.items() if count} == {done.day for done in again if isinstance(done, FailedDay)}
    assert sum(rows.values()) > 0


def test_nobody_begins_when_nobody_listens_any_more(home: StillHome, by: PullContext):
    landing = side_by_side.land_side_by_side(ASKED, ["ad_insights"], context=by, at_once=1)
    first = next(landing)
    landing.close()  # type: ignore[attr-defined]

    landed = {node for node in ACCOUNTS if ledger.files_of(home.engine, report="ad_insights", node_id=node)}
    assert landed == {first.node_id}


def test_a_disk_error_of_one_account_is_a_reason_and_hides_nobody_elses(
    home: StillHome, by: PullContext, monkeypatch: pytest.MonkeyPatch
):
    original = by.landing.commit

    def commit(gathered: OpenDays, **how):
        if gathered.source.node_id == ACCOUNTS[1]:
            raise OSError("Read-only file system")
        return original(gathered, **how)

    monkeypatch.setattr(by.landing, "commit", commit)
    found = list(side_by_side.land_side_by_side(ASKED, ["ad_insights"], context=by))

    reasons = {(done.node_id, done.reason) for done in found if isinstance(done, FailedDay)}
    assert reasons == {(ACCOUNTS[1], "Read-only file system")} and len(found) == 3 * len(DAYS)


def test_a_range_larger_than_memory_lands_whole(home: StillHome, by: PullContext):
    list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=by))
    few = Landing(by.landing.root.parent / "other", home.engine)
    few.memory_budget.limit, few.memory_budget.smallest_spill = 20_000, 500  # bytes: a few dozen rows
    again = dataclasses.replace(by, landing=few, backfill_id="c")
    files = {done.day: done for done in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=again)}

    assert few.memory_budget.bytes_buffered == 0
    for day, file in files.items():
        assert isinstance(file, LandedFile)
        same = by.landing.path("ad_insights", ACCOUNTS[0], day)
        whole, spilled = (pq.read_table(path) for path in (same, file.path))
        for column in ("payload", "record_index", "_fbtrace_id"):
            assert len(whole.column(column)) == len(spilled.column(column)) == file.rows
        assert whole.column("payload").to_pylist() == spilled.column("payload").to_pylist()
        assert spilled.column("record_index").to_pylist() == list(range(file.rows))
    assert not list(few.root.rglob("*.tmp"))
