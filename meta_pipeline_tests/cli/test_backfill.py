"""The progress bar of a backfill: it starts at the days that have already landed, and moves as days land."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill import landing
from meta_pipeline.cli.backfill.scope import BackfillScope, BackfillTarget, describe_expected_calls, forecast_targets
from meta_pipeline.cli.output import terminal
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.flows.pulling.node_range import NodeRange, RangeOutcome
from meta_pipeline.node_kinds import AD_ACCOUNT, PAGE
from meta_pipeline.records import LandedFile
from meta_pipeline.settings import Settings
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import report_runs

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
SINCE, REPORTS = dt.date(2026, 11, 1), ("ad_insights", "account_insights")


class Bar:
    """A progress bar that records its updates."""

    def __init__(self) -> None:
        self.updates: list[tuple[int, str]] = []
        self.total = 0

    def add_task(self, description: str, *, total: int, completed: int) -> int:
        self.total = total
        self.updates.append((completed, description))
        return 0

    def update(self, task: int, *, description: str, completed: int | None = None) -> None:
        if completed is not None:
            self.updates.append((completed, description))


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(Settings(home=tmp_path, _env_file=None))


@pytest.fixture
def bar(monkeypatch: pytest.MonkeyPatch) -> Bar:
    bar = Bar()
    monkeypatch.setattr(landing, "_progress_bar", lambda console: contextlib.nullcontext(bar))
    return bar


def landed(runtime: Runtime, *days: int) -> None:
    for day in days:
        file = LandedFile(
            report="ad_insights", node_id="act_1", day=SINCE + dt.timedelta(days=day), path="p", rows=1, digest="d",
            landed_at=NOW,
        )
        ledger.record(runtime.engine, file, backfill_id="b")


def land(runtime: Runtime) -> None:
    node_range = NodeRange(
        kind=AD_ACCOUNT, node_id="act_1", since=SINCE, until=SINCE + dt.timedelta(days=4), reports=REPORTS,
        backfill_id="b",
    )
    landing.land_with_progress(runtime, [node_range], REPORTS, terminal.stderr(), max_wait=None)


def test_the_bar_starts_where_a_resumed_backfill_left_off_and_moves_inside_a_range(
    runtime: Runtime, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(runtime: Runtime, ranges: Sequence[NodeRange], *, tick: Callable[[], None]) -> Iterator[RangeOutcome]:
        for day in (3, 4):
            landed(runtime, day)
            tick()
        yield RangeOutcome(ranges[0], ())

    landed(runtime, 0, 1, 2)
    monkeypatch.setattr(landing, "land_ranges", work)
    land(runtime)

    assert bar.total == 10
    assert [count for count, _ in bar.updates] == [3, 4, 5, 5]


def test_while_meta_works_on_report_runs_the_bar_says_how_many_are_complete(
    runtime: Runtime, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(runtime: Runtime, ranges: Sequence[NodeRange], *, tick: Callable[[], None]) -> Iterator[RangeOutcome]:
        for number in (1, 2):
            report_runs.record(
                runtime.engine, request_digest=str(number), backfill_id="b", report_run_id=str(number), node_id="act_1",
                report="ad_insights", since=SINCE, until=SINCE, now=NOW,
            )
        tick()
        report_runs.set_status(runtime.engine, report_run_id="1", status="completed")
        tick()
        report_runs.set_status(runtime.engine, report_run_id="2", status="completed")
        tick()
        yield RangeOutcome(ranges[0], ())

    monkeypatch.setattr(landing, "land_ranges", work)
    land(runtime)

    assert [text for _, text in bar.updates[1:4]] == [
        "days landed · Meta has finished 0 of 2 report runs", "days landed · Meta has finished 1 of 2 report runs",
        "days landed",
    ]


@pytest.mark.parametrize(
    ("calls", "is_certain", "sentence"),
    [
        (1, True, "1 call expected"), (1, False, "1 call expected; a first read can need more"),
        (1200, True, "1,200 calls expected"),
    ],
)
def test_expected_calls_are_described_in_singular_or_plural(calls: int, is_certain: bool, sentence: str) -> None:
    assert describe_expected_calls(calls, is_certain=is_certain) == sentence


def test_the_listings_of_an_account_are_forecast_once_however_many_targets_it_has(runtime: Runtime) -> None:
    targets = tuple(
        BackfillTarget(kind=kind, node_id=node_id, days=Range(SINCE, SINCE), reports=(report,))
        for kind, node_id, report in (
            (AD_ACCOUNT, "act_1", "ad_insights"), (AD_ACCOUNT, "act_1", "account_insights"),
            (AD_ACCOUNT, "act_2", "ad_insights"), (PAGE, "3", "page_insights"),
        )
    )
    forecasts = forecast_targets(runtime, BackfillScope(targets, REPORTS, {}), with_listings=False, is_fresh=True)

    assert [forecast.entity_calls > 0 for forecast in forecasts] == [True, False, True, False]
