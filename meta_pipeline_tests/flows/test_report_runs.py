"""Report runs on a virtual clock: when they are polled, what a stuck one costs, and pages that are too much."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from meta_pipeline.cli.backfill.run import by_reason
from meta_pipeline.extract.ads.insights import durations
from meta_pipeline.extract.ads.insights.durations import EndedRun, expected_s, first_poll_s, size_class
from meta_pipeline.flows import pulls
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.store import report_runs, report_sizes
from meta_pipeline.store.report_sizes import APP
from meta_pipeline_tests.fakes.frozen_clock import StillHome

ACCOUNTS = ("act_1000000001", "act_1000000002", "act_1000000003")
DAYS = [dt.date(2026, 11, 2) + dt.timedelta(days=n) for n in range(6)]
REPORT = "ad_insights"


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


def land(node_id: str, by: PullContext) -> list[LandedFile | FailedDay]:
    return list(pulls.land(node_id, DAYS, [REPORT], context=by))


def calls(home: StillHome, pattern: str) -> int:
    return home.graph.calls.get(pattern, 0)


def fates(home: StillHome, *names: str) -> None:
    home.graph.faults.plan([{"fault": name, "path": "POST act_1000000001", "times": 1} for name in names])


def test_from_the_second_account_on_a_report_run_is_polled_once_or_twice(home: StillHome, by: PullContext):
    home.graph.limits.settings.report_run_seconds = 40.0  # 20 to 60
    polls, waits = [], []
    for node_id in ACCOUNTS:
        before, at = calls(home, "GET /{id}"), home.clock.now()
        assert all(isinstance(done, LandedFile) for done in land(node_id, by))
        polls.append(calls(home, "GET /{id}") - before)
        waits.append((home.clock.now() - at).total_seconds())

    assert polls[0] <= 9 and max(polls[1:]) <= 3
    assert max(waits) <= 100
    known = report_sizes.durations(home.engine, node_id="act_9")  # an account that was never read
    assert 20 <= known[APP, REPORT, size_class(len(DAYS))] <= 60


def test_a_stuck_run_is_replaced_after_fifteen_minutes(home: StillHome, by: PullContext):
    fates(home, "job_stuck")
    began = home.clock.now()

    assert all(isinstance(done, LandedFile) for done in land(ACCOUNTS[0], by))
    assert calls(home, "POST /act_{id}/insights") == 2
    assert 900 <= (home.clock.now() - began).total_seconds() <= 1500


def test_a_stuck_run_that_completes_after_all_is_used_instead_of_a_third(home: StillHome, by: PullContext):
    fates(home, "job_late", "job_stuck")  # the first completes after twenty minutes, its replacement never does

    assert all(isinstance(done, LandedFile) for done in land(ACCOUNTS[0], by))
    assert calls(home, "POST /act_{id}/insights") == 2
    (run,) = report_runs.recorded(home.engine, backfill_id="b", node_id=ACCOUNTS[0], report=REPORT)
    assert run.is_done and run.report_run_id == min(home.graph.report_runs.by_id)


def test_the_next_process_polls_a_stuck_run_before_it_pays_again(home: StillHome, by: PullContext):
    fates(home, "job_late", "job_failed")
    failed = land(ACCOUNTS[0], by)

    assert all(isinstance(done, FailedDay) and "gave no result, twice" in done.reason for done in failed)
    home.clock.sleep(1200)
    assert all(isinstance(done, LandedFile) for done in land(ACCOUNTS[0], by))
    assert calls(home, "POST /act_{id}/insights") == 2


def test_a_report_that_takes_long_is_not_called_stuck_too_early(home: StillHome, by: PullContext):
    key = (APP, REPORT, size_class(len(DAYS)))
    report_sizes.put_durations(home.engine, {key: 400.0})
    fates(home, "job_stuck")
    began = home.clock.now()

    assert all(isinstance(done, LandedFile) for done in land(ACCOUNTS[0], by))
    assert 2000 <= (home.clock.now() - began).total_seconds() <= 4000


def test_a_finished_run_is_read_in_smaller_pages_before_anything_is_requested_again(home: StillHome, by: PullContext):
    home.graph.limits.settings.rows_a_page = 40
    assert all(isinstance(done, LandedFile) for done in land(ACCOUNTS[0], by))
    first = calls(home, "GET /{id}/insights")
    rows = sum(file.rows for file in land(ACCOUNTS[0], by) if isinstance(file, LandedFile))

    assert calls(home, "POST /act_{id}/insights") == 1
    assert rows / 40 <= first <= rows / 31 + 7
    # The next account begins with the page that this one ended with.
    refused = calls(home, "GET /{id}/insights")
    assert all(isinstance(done, LandedFile) for done in land(ACCOUNTS[1], by))
    assert calls(home, "POST /act_{id}/insights") == 2
    assert calls(home, "GET /{id}/insights") - refused <= rows / 30 + 4
    assert report_sizes.get(home.engine, node_id=ACCOUNTS[1], report=REPORT)["page"] <= 40


@pytest.mark.parametrize("forgets", [False, True])
def test_a_page_that_shrinks_in_the_middle_loses_and_doubles_no_row(home: StillHome, by: PullContext, forgets: bool):
    wanted = {file.day: (file.rows, file.digest) for file in land(ACCOUNTS[0], by) if isinstance(file, LandedFile)}
    report_sizes.put(home.engine, node_id=ACCOUNTS[0], report=REPORT, sizes=dict.fromkeys(report_sizes.COLUMNS) | {"page": 80})
    original, limits = home.graph.answer, set()

    def answer(request: GraphRequest) -> GraphResponse:
        if request.path.endswith("/insights") and request.method == "GET" and "after" in request.params:
            home.graph.limits.settings.rows_a_page = 30
            if forgets and limits and int(request.params["limit"]) not in limits:
                limits.add(int(request.params["limit"]))
                return GraphApiError("(#100) Invalid cursor", 2642).to_response("T")
        limits.add(int(request.params.get("limit", 0)))
        return original(request)

    home.graph.answer = answer  # type: ignore[method-assign]
    by = PullContext(
        graph=home.client, tokens=home.vault, landing=Landing(by.landing.root.parent / "again", home.engine), engine=home.engine, run_id="r", backfill_id="again",
        sleep=home.clock.sleep, now=home.clock.now,
    )
    found = {file.day: (file.rows, file.digest) for file in land(ACCOUNTS[0], by) if isinstance(file, LandedFile)}

    assert found == wanted and min(limits - {0}) <= 30


def test_a_retired_token_is_not_tried_by_what_is_still_to_do(home: StillHome, by: PullContext):
    (ref,) = (ref for ref in home.vault.refs() if ref.kind == "system_user")
    home.graph.identity.invalidate(460, "SYSTEM_USER")
    before = sum(home.graph.calls.values())
    reasons = {done.reason for node_id in ACCOUNTS for done in land(node_id, by) if isinstance(done, FailedDay)}

    # One sentence for the token, whatever it read; one failing call and one question whether it is dead.
    (reason,) = reasons
    assert ref.subject_name in reason and "(190/460)" in reason and "meta-pipeline connect" in reason
    assert sum(home.graph.calls.values()) - before == 2


def test_a_dead_token_is_known_before_the_work_starts_and_named_once(home: StillHome, by: PullContext):
    assert pulls.unreadable_nodes(ACCOUNTS, tokens=home.vault, engine=home.engine) == {}
    (ref,) = (ref for ref in home.vault.refs() if ref.kind == "system_user")
    home.vault.retire(ref.id, "190/460", subcode=460)
    before = sum(home.graph.calls.values())
    found = pulls.unreadable_nodes(ACCOUNTS, tokens=home.vault, engine=home.engine)

    assert found.keys() == set(ACCOUNTS) and before == sum(home.graph.calls.values())
    failed = {node_id: (f"{n} day(s) did not land: {found[node_id]}",) for n, node_id in enumerate(ACCOUNTS, 500)}
    (line,) = by_reason(failed)
    assert line.startswith(", ".join(ACCOUNTS)) and line.count("retired") == 1 and "day(s)" not in line
    assert by_reason({"act_1": ("3 day(s) did not land: a reason",)}) == ["act_1: 3 day(s) did not land: a reason"]


def test_asking_ahead_retires_a_dead_token_so_that_no_other_account_tries_it(home: StillHome, by: PullContext):
    home.graph.identity.invalidate(460, "SYSTEM_USER")
    before = sum(home.graph.calls.values())
    for node_id in ACCOUNTS:
        pulls.prefetch_runs(node_id, DAYS, [REPORT], context=by)

    retired = {ref.retired_subcode for ref in home.vault.refs(retired=True) if ref.kind == "system_user"}
    assert retired == {460}
    assert sum(home.graph.calls.values()) - before == 2


def test_one_failing_report_ends_no_other(home: StillHome, by: PullContext, monkeypatch: pytest.MonkeyPatch):
    original = by.landing.commit

    def commit(gathered, **more):
        if gathered.source.report == "account_insights":
            raise ZeroDivisionError("surprise")
        return original(gathered, **more)

    monkeypatch.setattr(by.landing, "commit", commit)
    done = list(pulls.land(ACCOUNTS[0], DAYS, ["account_insights", REPORT], context=by))

    landed = {one.report for one in done if isinstance(one, LandedFile)}
    failed = {(one.report, one.reason.partition(" at ")[0]) for one in done if isinstance(one, FailedDay)}
    assert landed == {REPORT} and failed == {("account_insights", "an unexpected ZeroDivisionError")}
    assert len(done) == 2 * len(DAYS)


@pytest.mark.parametrize("error", [
    GraphApiError("(#100) The value must be a valid insights metric", 100), GraphApiError("(#200) missing", 200, status=403),
    GraphApiError("(#2635) deprecated", 2635), GraphApiError("(#368) blocked", 368),
])
def test_a_refusal_of_one_report_ends_no_other(home: StillHome, by: PullContext, error: GraphApiError):
    original = home.graph.answer

    def answer(request: GraphRequest) -> GraphResponse:
        refuses = request.path == f"{ACCOUNTS[0]}/insights" and request.params.get("level") == "account"
        return error.to_response("T") if refuses else original(request)

    home.graph.answer = answer  # type: ignore[method-assign]
    done = list(pulls.land(ACCOUNTS[0], DAYS, ["account_insights", REPORT], context=by))

    assert {one.report for one in done if isinstance(one, LandedFile)} == {REPORT}
    assert {one.report for one in done if isinstance(one, FailedDay)} == {"account_insights"}


def test_a_duration_is_that_of_the_account_then_of_the_app_then_of_another_size_then_of_another_report():
    known = {
        ("act_1", "ads", 32): 50.0, (APP, "ads", 32): 40.0, (APP, "ads", 8): 12.0, (APP, "other", 32): 30.0,
    }

    def found(node_id: str, report: str, days: int) -> float | None:
        return expected_s(known, node_id=node_id, report=report, days=days)

    assert found("act_1", "ads", 30) == 50 and found("act_2", "ads", 17) == 40 and found("act_2", "ads", 7) == 12
    assert found("act_2", "ads", 3) == 12 and found("act_1", "ads", 3) == 50
    assert found("act_2", "new", 30) == pytest.approx((40 + 12 + 30) / 3)
    assert expected_s({}, node_id="act_2", report="ads", days=1) is None


@pytest.mark.parametrize(("age", "running_at", "expected", "status", "took"), [
    (32.0, 16.0, None, {"time_ref": 1000, "time_completed": 1021}, 21.0),  # Meta's own times
    (32.0, 16.0, None, {"time_ref": 1000, "time_completed": 1000}, 32.0),  # no duration that was seen
    (32.0, 16.0, None, {}, 32.0),
    (44.3, None, 40.0, {}, 36.0),  # done at the first poll: maybe earlier
])
def test_what_a_run_took(age: float, running_at: float | None, expected: float | None, status: dict, took: float):
    assert EndedRun(age_s=age, running_at_s=running_at, expected_s=expected, status=status).took_s == took


def test_polls_that_follow_a_duration_do_not_drift():
    known: dict[tuple[str, str, int], float] = {}
    polls = []
    for _ in range(30):  # a run takes 30 s, and Meta tells no times
        expected = expected_s(known, node_id="act_1", report="ads", days=30)
        age, running_at, count = durations.FIRST_POLL_S if expected is None else first_poll_s(expected), None, 1
        while age < 30:
            running_at, age = age, age + durations.pause_s(expected, age_s=age, polls=count)
            count += 1
        polls.append(count)
        known |= durations.updated(
            known, EndedRun(age_s=age, running_at_s=running_at, expected_s=expected, status={}), node_id="act_1", report="ads", days=30
        )
        assert age <= 64

    assert sum(polls[1:]) <= 2 * len(polls[1:]) and max(polls[1:]) <= 2
