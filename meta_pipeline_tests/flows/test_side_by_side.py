"""Several accounts at once: an account that fails stops no other, and none waits for another's report run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.pulling import pulls, side_by_side
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.landing.days import OpenDays
from meta_pipeline.landing.landing import Landing, Outcome
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import deferrals, report_runs

ACCOUNTS = ("act_1000000001", "act_1000000002", "act_1000000003")
DAYS = [dt.date(2026, 11, 2) + dt.timedelta(days=n) for n in range(6)]
DAYS_BY_NODE = dict.fromkeys(ACCOUNTS, DAYS)


def posts(runtime: FrozenRuntime) -> int:
    return sum(count for name, count in runtime.graph.calls.items() if name.startswith("POST /act"))


def test_one_accounts_failure_stops_no_other(runtime: FrozenRuntime, context: PullContext) -> None:
    runtime.graph.access.tasks["1000000002"] = []
    results = list(side_by_side.land_side_by_side(DAYS_BY_NODE, ["ad_insights"], context=context))
    failed = [result for result in results if isinstance(result, FailedDay)]

    assert {result.node_id for result in failed} == {"act_1000000002"} and [result.day for result in failed] == DAYS
    landed = {(result.node_id, result.day) for result in results if isinstance(result, LandedFile)}
    assert landed == {(node, day) for node in ("act_1000000001", "act_1000000003") for day in DAYS}


def test_prefetched_report_runs_are_used_and_submitted_once(runtime: FrozenRuntime, context: PullContext) -> None:
    for node in ACCOUNTS:
        pulls.prefetch_runs(node, DAYS, ["ad_insights", "account_insights"], context=context)
    assert posts(runtime) == 3  # totals are read at once: they need no report run
    polls = sum(count for name, count in runtime.graph.calls.items() if name == "GET /{id}")
    results = list(side_by_side.land_side_by_side(DAYS_BY_NODE, ["ad_insights", "account_insights"], context=context))

    assert all(isinstance(result, LandedFile) for result in results) and len(results) == 2 * 3 * len(DAYS)
    assert posts(runtime) == 3
    assert polls == sum(count for name, count in runtime.graph.calls.items() if name == "GET /{id}")


def test_a_finished_report_run_that_meta_no_longer_has_is_submitted_again(runtime: FrozenRuntime, context: PullContext) -> None:
    pulls.prefetch_runs(ACCOUNTS[0], DAYS, ["ad_insights"], context=context)
    runtime.graph.report_runs.by_id.clear()
    results = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))

    assert all(isinstance(result, LandedFile) for result in results) and posts(runtime) == 2
    (run,) = report_runs.recorded(runtime.engine, backfill_id="b", node_id=ACCOUNTS[0], report="ad_insights")
    assert run.is_done


def test_a_deferred_range_is_not_requested_until_it_is_due(runtime: FrozenRuntime, context: PullContext) -> None:
    reason = str(ThrottledError("too many calls", code=80000))
    deferrals.defer(
        runtime.engine, backfill_id="b", node_id=ACCOUNTS[0], report="ad_insights", since=DAYS[0], until=DAYS[-1],
        retry_at=runtime.clock.now() + dt.timedelta(minutes=5), reason=reason,
    )
    before = sum(runtime.graph.calls.values())
    results = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))

    assert [result.reason for result in results] == [reason] * len(DAYS)  # type: ignore[union-attr]
    assert before == sum(runtime.graph.calls.values())
    runtime.clock.sleep(301)
    assert all(isinstance(result, LandedFile) for result in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))


def test_a_day_that_meta_no_longer_keeps_fails_with_that_reason_and_no_call(runtime: FrozenRuntime, context: PullContext) -> None:
    before = sum(runtime.graph.calls.values())
    (failed,) = pulls.land(ACCOUNTS[0], [dt.date(2025, 9, 30)], ["ad_insights_by_hourly"], context=context)

    assert isinstance(failed, FailedDay) and "keeps 13 months" in failed.reason
    assert before == sum(runtime.graph.calls.values())


def test_a_report_run_is_first_polled_when_the_last_one_was_done(runtime: FrozenRuntime, context: PullContext) -> None:
    original, polled = runtime.graph.answer, [0]

    def answer(request: GraphRequest) -> GraphResponse:
        run = runtime.graph.report_runs.by_id.get(request.path)
        if run is not None and request.method == "GET":
            polled[0] += 1
            if runtime.clock.now() - run.submitted_at < dt.timedelta(seconds=20):
                return GraphResponse({"id": run.id, "async_status": "Job Running", "async_percent_completion": 60})
            run.polls = 9
        return original(request)

    runtime.graph.answer = answer  # type: ignore[method-assign]
    for backfill_id, most in (("first", 8), ("second", 2), ("third", 2)):
        polled[0] = 0
        again = dataclasses.replace(context, backfill_id=backfill_id)
        assert all(isinstance(result, LandedFile) for result in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights_by_hourly"], context=again))
        assert 1 <= polled[0] <= most, backfill_id


def test_days_whose_rows_are_gone_after_an_invalid_cursor_fail_and_do_not_land_empty(
    runtime: FrozenRuntime, context: PullContext
) -> None:
    context = dataclasses.replace(context, largest_page=100)
    pulls.prefetch_runs(ACCOUNTS[0], DAYS, ["ad_insights"], context=context)
    original, pages = runtime.graph.answer, [0]

    def answer(request: GraphRequest) -> GraphResponse:
        if request.path.endswith("/insights") and request.method == "GET":
            pages[0] += 1
            if pages[0] == 2:
                return GraphApiError("(#100) Invalid cursor", 2642).to_response("T")
            if pages[0] > 2:
                return GraphResponse({"data": []})
        return original(request)

    runtime.graph.answer = answer  # type: ignore[method-assign]
    results = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))

    assert all(isinstance(result, FailedDay) and "none when it was read again" in result.reason for result in results)
    assert ledger.files_of(runtime.engine, report="ad_insights", node_id=ACCOUNTS[0]) == []


def test_a_report_run_without_a_result_is_not_submitted_without_end(runtime: FrozenRuntime, context: PullContext) -> None:
    original = runtime.graph.answer

    def answer(request: GraphRequest) -> GraphResponse:
        if request.path.endswith("/insights") and request.method == "GET":
            return unknown_object(request.path).to_response("T")
        return original(request)

    runtime.graph.answer = answer  # type: ignore[method-assign]
    for _ in range(2):
        assert all(isinstance(result, FailedDay) for result in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))
    assert posts(runtime) <= 3


def test_a_range_that_is_too_large_is_submitted_once_and_prefetching_lands_nothing(
    runtime: FrozenRuntime, context: PullContext
) -> None:
    runtime.graph.limits.configure({"rows_a_request": 100})
    pulls.prefetch_runs(ACCOUNTS[0], DAYS, ["ad_insights"], context=context)
    submitted = posts(runtime)
    assert ledger.files_of(runtime.engine, report="ad_insights", node_id=ACCOUNTS[0]) == []
    results = list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))

    assert all(isinstance(result, LandedFile) for result in results) and len(results) == len(DAYS)
    assert posts(runtime) == submitted


def test_a_deferral_is_deleted_when_no_token_is_left(runtime: FrozenRuntime, context: PullContext) -> None:
    at = runtime.clock.now() - dt.timedelta(minutes=1)
    deferrals.defer(
        runtime.engine, backfill_id="b", node_id="act_7", report="ad_insights", since=DAYS[0], until=DAYS[-1], retry_at=at,
        reason="a limit",
    )
    assert all(isinstance(result, FailedDay) for result in pulls.land("act_7", DAYS, ["ad_insights"], context=context))

    assert deferrals.due_at(runtime.engine, backfill_id="b", node_id="act_7") is None


def test_a_gated_report_that_becomes_empty_keeps_its_earlier_rows(runtime: FrozenRuntime, context: PullContext) -> None:
    name, gated = "ad_insights_by_impression_device", ACCOUNTS[0]
    control(runtime.graph, "world", {"opted_in": [gated]}, {})
    first = list(pulls.land(gated, DAYS, [name], context=context))
    assert all(isinstance(result, LandedFile) for result in first)
    control(runtime.graph, "world", {"opted_in": []}, {})
    again = list(pulls.land(gated, DAYS, [name], context=dataclasses.replace(context, backfill_id="c")))

    rows = {file.day: file.rows for file in ledger.files_of(runtime.engine, report=name, node_id=gated)}
    assert {day for day, count in rows.items() if count} == {result.day for result in again if isinstance(result, FailedDay)}
    assert sum(rows.values()) > 0


def test_no_further_node_starts_after_the_generator_is_closed(runtime: FrozenRuntime, context: PullContext) -> None:
    landing = side_by_side.land_side_by_side(DAYS_BY_NODE, ["ad_insights"], context=context, at_once=1)
    first = next(landing)
    landing.close()  # type: ignore[attr-defined]

    landed = {node for node in ACCOUNTS if ledger.files_of(runtime.engine, report="ad_insights", node_id=node)}
    assert landed == {first.node_id}


def test_a_disk_error_of_one_account_is_its_reason_and_stops_no_other(
    runtime: FrozenRuntime, context: PullContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = context.landing.commit

    def commit(gathered: OpenDays, **options: Any) -> list[Outcome]:
        if gathered.source.node_id == ACCOUNTS[1]:
            raise OSError("Read-only file system")
        return original(gathered, **options)

    monkeypatch.setattr(context.landing, "commit", commit)
    results = list(side_by_side.land_side_by_side(DAYS_BY_NODE, ["ad_insights"], context=context))

    reasons = {(result.node_id, result.reason) for result in results if isinstance(result, FailedDay)}
    assert reasons == {(ACCOUNTS[1], "Read-only file system")} and len(results) == 3 * len(DAYS)


def test_a_range_larger_than_memory_lands_whole(runtime: FrozenRuntime, context: PullContext) -> None:
    list(pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=context))
    few = Landing(f"{context.landing.root}-other", runtime.engine)
    few.memory_budget.limit, few.memory_budget.smallest_spill = 20_000, 500  # bytes: a few dozen rows
    again = dataclasses.replace(context, landing=few, backfill_id="c")
    files = {result.day: result for result in pulls.land(ACCOUNTS[0], DAYS, ["ad_insights"], context=again)}

    assert few.memory_budget.bytes_buffered == 0
    for day, file in files.items():
        assert isinstance(file, LandedFile)
        same = context.landing.location("ad_insights", ACCOUNTS[0], day)
        whole, spilled = (pq.read_table(path) for path in (same, file.path))
        for column in ("payload", "record_index", "_fbtrace_id"):
            assert len(whole.column(column)) == len(spilled.column(column)) == file.rows
        assert whole.column("payload").to_pylist() == spilled.column("payload").to_pylist()
        assert spilled.column("record_index").to_pylist() == list(range(file.rows))
    assert not list(Path(few.root).rglob("*.tmp"))


def test_two_reports_of_one_account_are_read_at_the_same_time(runtime: FrozenRuntime, context: PullContext) -> None:
    original, two_in_flight = runtime.graph.answer, threading.Barrier(2)

    def answer(request: GraphRequest) -> GraphResponse:
        if request.method == "GET" and request.path == f"{ACCOUNTS[0]}/insights":
            two_in_flight.wait(timeout=20)  # breaks unless the other call arrives before this one is answered
        return original(request)

    runtime.graph.answer = answer  # type: ignore[method-assign]
    results = list(pulls.land(ACCOUNTS[0], DAYS[:2], ["account_insights", "campaign_insights"], context=context))

    assert [type(result) for result in results] == [LandedFile] * 4
    assert not two_in_flight.broken
