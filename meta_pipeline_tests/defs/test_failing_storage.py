"""A disk that fails under Dagster's own files is one sentence too, and no exception that a parent can't unpickle."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs import launch
from meta_pipeline.defs.home import instance
from meta_pipeline.records import StoreError

DAY = dt.date(2026, 11, 1)
ASKED = launch.AccountRange("act_1", DAY, DAY, ("ad_insights",), "b")


def test_a_run_storage_that_is_damaged_is_named(live: Runtime):
    with instance(live.settings):
        pass
    history = live.settings.root / "dagster" / "history"
    for file in history.glob("runs.db*"):
        file.unlink()
    (history / "runs.db").write_bytes(b"no database" * 1000)

    told = rf"Dagster's storage {history}.* can't be read or written: .*not a database"
    with pytest.raises(StoreError, match=told), instance(live.settings):
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
    live: Runtime, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
):
    def fail(*_: object) -> None:
        raise RuntimeError("what a library says") from error

    monkeypatch.setattr(launch, "_built", fail)
    monkeypatch.setattr(launch, "_ran", fail)

    assert cause in str(launch._build_marts(live.settings).reason)
    assert cause in launch._run_one(live.settings, ASKED).reasons[0]


@pytest.mark.parametrize("call", [lambda live: launch._build_marts(live), lambda live: launch._run_one(live, ASKED)])
def test_a_fault_of_ours_is_raised(live: Runtime, monkeypatch: pytest.MonkeyPatch, call: Callable[[object], object]):
    monkeypatch.setattr(launch, "_built", lambda _: 1 // 0)
    monkeypatch.setattr(launch, "_ran", lambda *_: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        call(live.settings)
