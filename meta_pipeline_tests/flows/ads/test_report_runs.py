"""Report runs on a virtual clock: their polls, the cost of a stuck one, and pages that are too much."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.cli.backfill.run import lines_by_reason
from meta_pipeline.extract.ads.insights.durations import size_class
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.landing.days import OpenDays
from meta_pipeline.landing.landing import Landing, Outcome
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.store.pulls import report_runs, report_sizes
from meta_pipeline.store.pulls.report_sizes import APP

ACCOUNTS = ("act_1000000001", "act_1000000002", "act_1000000003")
DAYS = [dt.date(2026, 11, 2) + dt.timedelta(days=n) for n in range(6)]
REPORT = "ad_insights"


def land(node_id: str, context: PullContext) -> list[LandedFile | FailedDay]:
    return list(pulls.land(node_id, DAYS, [REPORT], context=context))


def calls(runtime: FrozenRuntime, pattern: str) -> int:
    return runtime.graph.calls.get(pattern, 0)


def plan_faults(runtime: FrozenRuntime, *names: str) -> None:
    runtime.graph.faults.plan([{"fault": name, "path": "POST act_1000000001", "times": 1} for name in names])


def test_from_the_second_account_on_a_report_run_is_polled_once_or_twice(runtime: FrozenRuntime, context: PullContext) -> None:
    runtime.graph.limits.settings.report_run_seconds = 40.0  # 20 to 60
    polls, waits = [], []
    for node_id in ACCOUNTS:
        before, at = calls(runtime, "GET /{id}"), runtime.clock.now()
        assert all(isinstance(result, LandedFile) for result in land(node_id, context))
        polls.append(calls(runtime, "GET /{id}") - before)
        waits.append((runtime.clock.now() - at).total_seconds())

    assert polls[0] <= 9 and max(polls[1:]) <= 3
    assert max(waits) <= 100
    stored = report_sizes.durations(runtime.engine, node_id="act_9")  # an account that was never read
    assert 20 <= stored[APP, REPORT, size_class(len(DAYS))] <= 60


def test_a_stuck_run_is_replaced_after_fifteen_minutes(runtime: FrozenRuntime, context: PullContext) -> None:
    plan_faults(runtime, "job_stuck")
    began = runtime.clock.now()

    assert all(isinstance(result, LandedFile) for result in land(ACCOUNTS[0], context))
    assert calls(runtime, "POST /act_{id}/insights") == 2
    assert 900 <= (runtime.clock.now() - began).total_seconds() <= 1500


def test_a_stuck_run_that_completes_after_all_is_used_instead_of_a_third(runtime: FrozenRuntime, context: PullContext) -> None:
    plan_faults(runtime, "job_late", "job_stuck")  # the first completes after twenty minutes, its replacement never does

    assert all(isinstance(result, LandedFile) for result in land(ACCOUNTS[0], context))
    assert calls(runtime, "POST /act_{id}/insights") == 2
    (run,) = report_runs.recorded(runtime.engine, backfill_id="b", node_id=ACCOUNTS[0], report=REPORT)
    assert run.is_done and run.report_run_id == min(runtime.graph.report_runs.by_id)


def test_the_next_process_polls_a_stuck_run_before_it_submits_another(runtime: FrozenRuntime, context: PullContext) -> None:
    plan_faults(runtime, "job_late", "job_failed")
    failed = land(ACCOUNTS[0], context)

    assert all(isinstance(result, FailedDay) and "had no result, twice" in result.reason for result in failed)
    runtime.clock.sleep(1200)
    assert all(isinstance(result, LandedFile) for result in land(ACCOUNTS[0], context))
    assert calls(runtime, "POST /act_{id}/insights") == 2


def test_a_report_that_takes_long_is_not_called_stuck_too_early(runtime: FrozenRuntime, context: PullContext) -> None:
    key = (APP, REPORT, size_class(len(DAYS)))
    report_sizes.put_durations(runtime.engine, {key: 400.0})
    plan_faults(runtime, "job_stuck")
    began = runtime.clock.now()

    assert all(isinstance(result, LandedFile) for result in land(ACCOUNTS[0], context))
    assert 2000 <= (runtime.clock.now() - began).total_seconds() <= 4000


def test_a_finished_run_is_read_in_smaller_pages_before_anything_is_requested_again(runtime: FrozenRuntime, context: PullContext) -> None:
    runtime.graph.limits.settings.rows_a_page = 40
    assert all(isinstance(result, LandedFile) for result in land(ACCOUNTS[0], context))
    first = calls(runtime, "GET /{id}/insights")
    rows = sum(file.rows for file in land(ACCOUNTS[0], context) if isinstance(file, LandedFile))

    assert calls(runtime, "POST /act_{id}/insights") == 1
    assert rows / 40 <= first <= rows / 31 + 7
    # The next account begins with the page that this one ended with.
    refused = calls(runtime, "GET /{id}/insights")
    assert all(isinstance(result, LandedFile) for result in land(ACCOUNTS[1], context))
    assert calls(runtime, "POST /act_{id}/insights") == 2
    assert calls(runtime, "GET /{id}/insights") - refused <= rows / 30 + 4
    assert report_sizes.get(runtime.engine, node_id=ACCOUNTS[1], report=REPORT)["page"] <= 40


@pytest.mark.parametrize("is_cursor_refused", [False, True])
def test_a_page_that_shrinks_in_the_middle_loses_and_doubles_no_row(runtime: FrozenRuntime, context: PullContext, is_cursor_refused: bool) -> None:
    wanted = {file.day: (file.rows, file.digest) for file in land(ACCOUNTS[0], context) if isinstance(file, LandedFile)}
    report_sizes.put(runtime.engine, node_id=ACCOUNTS[0], report=REPORT, sizes=dict.fromkeys(report_sizes.COLUMNS) | {"page": 80})
    limits: set[int] = set()
    original = runtime.graph.answer

    def answer(request: GraphRequest) -> GraphResponse:
        if request.path.endswith("/insights") and request.method == "GET" and "after" in request.params:
            runtime.graph.limits.settings.rows_a_page = 30
            if is_cursor_refused and limits and int(request.params["limit"]) not in limits:
                limits.add(int(request.params["limit"]))
                return GraphApiError("(#100) Invalid cursor", 2642).to_response("T")
        limits.add(int(request.params.get("limit", 0)))
        return original(request)

    runtime.graph.answer = answer  # type: ignore[method-assign]
    context = PullContext(
        graph=runtime.client, tokens=runtime.vault, landing=Landing(f"{context.landing.root}-again", runtime.engine), engine=runtime.engine, run_id="r", backfill_id="again",
        sleep=runtime.clock.sleep, now=runtime.clock.now,
    )
    again = {file.day: (file.rows, file.digest) for file in land(ACCOUNTS[0], context) if isinstance(file, LandedFile)}

    assert again == wanted and min(limits - {0}) <= 30


def test_a_retired_token_is_not_used_for_the_remaining_accounts(runtime: FrozenRuntime, context: PullContext) -> None:
    (ref,) = (ref for ref in runtime.vault.refs() if ref.kind == "system_user")
    runtime.graph.identity.invalidate(460, "SYSTEM_USER")
    before = sum(runtime.graph.calls.values())
    reasons = {result.reason for node_id in ACCOUNTS for result in land(node_id, context) if isinstance(result, FailedDay)}

    # One sentence for the token, for all accounts: one call fails, and one checks the token.
    (reason,) = reasons
    assert ref.subject_name in reason and "(190/460)" in reason and "meta-pipeline connect" in reason
    assert sum(runtime.graph.calls.values()) - before == 2


def test_a_token_that_another_account_retires_meanwhile_makes_no_further_call(
    runtime: FrozenRuntime, context: PullContext
) -> None:
    (ref,) = (ref for ref in runtime.vault.refs() if ref.kind == "system_user")
    calls: list[int] = []

    def sleep(seconds: float) -> None:
        context.sleep(seconds)
        runtime.vault.retire(ref.id, "190/460", subcode=460)
        calls.append(sum(runtime.graph.calls.values()))

    results = list(land(ACCOUNTS[0], dataclasses.replace(context, sleep=sleep)))

    assert calls and calls[0] == sum(runtime.graph.calls.values())
    assert all(isinstance(result, FailedDay) and "(190/460)" in result.reason for result in results) and results


def test_a_dead_token_is_known_before_the_work_starts_and_named_once(runtime: FrozenRuntime, context: PullContext) -> None:
    assert pulls.unreadable_nodes(ACCOUNTS, tokens=runtime.vault, engine=runtime.engine) == {}
    (ref,) = (ref for ref in runtime.vault.refs() if ref.kind == "system_user")
    runtime.vault.retire(ref.id, "190/460", subcode=460)
    before = sum(runtime.graph.calls.values())
    unreadable = pulls.unreadable_nodes(ACCOUNTS, tokens=runtime.vault, engine=runtime.engine)

    assert unreadable.keys() == set(ACCOUNTS) and before == sum(runtime.graph.calls.values())
    failed = {node_id: (f"{n} day(s) did not land: {unreadable[node_id]}",) for n, node_id in enumerate(ACCOUNTS, 500)}
    (line,) = lines_by_reason(failed)
    assert line.startswith(", ".join(ACCOUNTS)) and line.count("retired") == 1 and "day(s)" not in line
    assert lines_by_reason({"act_1": ("3 day(s) did not land: a reason",)}) == ["act_1: 3 day(s) did not land: a reason"]


def test_prefetching_retires_a_dead_token_so_that_no_other_account_tries_it(runtime: FrozenRuntime, context: PullContext) -> None:
    runtime.graph.identity.invalidate(460, "SYSTEM_USER")
    before = sum(runtime.graph.calls.values())
    for node_id in ACCOUNTS:
        pulls.prefetch_runs(node_id, DAYS, [REPORT], context=context)

    retired = {ref.retired_subcode for ref in runtime.vault.refs(retired=True) if ref.kind == "system_user"}
    assert retired == {460}
    assert sum(runtime.graph.calls.values()) - before == 2


def test_one_failing_report_ends_no_other(runtime: FrozenRuntime, context: PullContext, monkeypatch: pytest.MonkeyPatch) -> None:
    original = context.landing.commit

    def commit(gathered: OpenDays, **more: Any) -> list[Outcome]:
        if gathered.source.report == "account_insights":
            raise ZeroDivisionError("surprise")
        return original(gathered, **more)

    monkeypatch.setattr(context.landing, "commit", commit)
    results = list(pulls.land(ACCOUNTS[0], DAYS, ["account_insights", REPORT], context=context))

    landed = {result.report for result in results if isinstance(result, LandedFile)}
    failed = {(result.report, result.reason.partition(" at ")[0]) for result in results if isinstance(result, FailedDay)}
    assert landed == {REPORT} and failed == {("account_insights", "an unexpected ZeroDivisionError")}
    assert len(results) == 2 * len(DAYS)


@pytest.mark.parametrize("error", [
    GraphApiError("(#100) The value must be a valid insights metric", 100), GraphApiError("(#200) missing", 200, status=403),
    GraphApiError("(#2635) deprecated", 2635), GraphApiError("(#368) blocked", 368),
])
def test_a_refusal_of_one_report_ends_no_other(runtime: FrozenRuntime, context: PullContext, error: GraphApiError) -> None:
    original = runtime.graph.answer

    def answer(request: GraphRequest) -> GraphResponse:
        refuses = request.path == f"{ACCOUNTS[0]}/insights" and request.params.get("level") == "account"
        return error.to_response("T") if refuses else original(request)

    runtime.graph.answer = answer  # type: ignore[method-assign]
    results = list(pulls.land(ACCOUNTS[0], DAYS, ["account_insights", REPORT], context=context))

    assert {result.report for result in results if isinstance(result, LandedFile)} == {REPORT}
    assert {result.report for result in results if isinstance(result, FailedDay)} == {"account_insights"}
