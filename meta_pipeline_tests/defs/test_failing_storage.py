"""A disk that fails under Dagster's files is one sentence, and no exception that a parent can't unpickle."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.runs import backfill_runs, mart_build, mart_build_run, range_run
from meta_pipeline.flows.pulling.node_range import NodeRange
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import StoreError

DAY = dt.date(2026, 11, 1)
ONE_DAY = NodeRange(
    kind=AD_ACCOUNT, node_id="act_1", since=DAY, until=DAY, reports=("ad_insights",), backfill_id="b"
)


def test_a_run_storage_that_is_damaged_is_named(runtime: Runtime) -> None:
    with instance(runtime.settings):
        pass
    history = runtime.settings.root / "dagster" / "history"
    for file in history.glob("runs.db*"):
        file.unlink()
    (history / "runs.db").write_bytes(b"no database" * 1000)

    sentence = rf"Dagster's storage {history}.* can't be read or written: .*not a database"
    with pytest.raises(StoreError, match=sentence), instance(runtime.settings):
        pass


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (sa.exc.OperationalError("insert", {}, sqlite3.OperationalError("disk I/O error")), "disk I/O error"),
        (sa.exc.OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full")), "full; free space"),
        (OSError(5, "Input/output error", "/home/dagster/x"), "/home/dagster/x: Input/output error"),
        (StoreError("the control store can't be written"), "the control store can't be written"),
    ],
)
def test_a_worker_reports_an_error_of_storage_as_the_reason(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("what a library says") from error

    monkeypatch.setattr(mart_build, "_nothing_to_build", lambda *_, **__: None)
    monkeypatch.setattr(mart_build, "_dbt_of", lambda _: None)
    monkeypatch.setattr(mart_build_run, "run_build", fail)
    monkeypatch.setattr(range_run, "open_range_run", fail)

    assert cause in str(mart_build._build(runtime.settings).reason)
    assert cause in backfill_runs._run_range(runtime.settings, ONE_DAY).reasons[0]


@pytest.mark.parametrize(
    "work", [mart_build._build, lambda settings: backfill_runs._run_range(settings, ONE_DAY)]
)
def test_a_bug_in_our_code_is_raised(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, work: Callable[[object], object]) -> None:
    monkeypatch.setattr(mart_build, "_nothing_to_build", lambda *_, **__: None)
    monkeypatch.setattr(mart_build, "_dbt_of", lambda _: None)
    monkeypatch.setattr(mart_build_run, "run_build", lambda *_, **__: 1 // 0)
    monkeypatch.setattr(range_run, "open_range_run", lambda _: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        work(runtime.settings)
