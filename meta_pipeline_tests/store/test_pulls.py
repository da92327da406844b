"""Backfills, report runs and deferrals, on SQLite and on a real Postgres."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.pulls import backfills, deferrals, report_runs, report_sizes

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)


def test_a_recorded_run_is_found_until_it_is_abandoned(engine: sa.Engine) -> None:
    report_runs.record(
        engine, request_digest="q", backfill_id="b", report_run_id="99", node_id="act_1", report="ad_insights",
        since=DAY, until=DAY, now=NOW,
    )
    runs = report_runs.recorded(engine, backfill_id="b", node_id="act_1", report="ad_insights")
    assert [run.report_run_id for run in runs] == ["99"]

    report_runs.set_status(engine, report_run_id="99", status="abandoned")
    assert report_runs.recorded(engine, backfill_id="b", node_id="act_1", report="ad_insights") == []


def test_a_failed_backfill_is_resumed_and_a_done_one_is_not(engine: sa.Engine) -> None:
    first, _ = backfills.start(engine, {"since": "x"}, fresh=False, now=NOW)
    backfills.finish(engine, first, status="failed", now=NOW)
    assert (first, True) == backfills.start(engine, {"since": "x"}, fresh=False, now=NOW)
    assert first != backfills.start(engine, {"since": "x"}, fresh=True, now=NOW)[0]

    again, resumed = backfills.start(engine, {"since": "y"}, fresh=False, now=NOW)
    backfills.finish(engine, again, status="done", now=NOW)
    later, resumed_later = backfills.start(engine, {"since": "y"}, fresh=False, now=NOW + dt.timedelta(minutes=1))
    assert (resumed, resumed_later) == (False, False) and again != later


def test_a_backfill_older_than_a_day_is_not_resumed(engine: sa.Engine) -> None:
    first, _ = backfills.start(engine, {"since": "x"}, fresh=False, now=NOW)

    assert first != backfills.start(engine, {"since": "x"}, fresh=False, now=NOW + dt.timedelta(hours=25))[0]


def test_a_deferral_is_stored_and_removed(engine: sa.Engine) -> None:
    key = {"backfill_id": "b", "node_id": "act_1"}
    later = DAY + dt.timedelta(days=4)
    deferrals.defer(engine, **key, report="ad_insights", since=later, until=later, retry_at=NOW, reason="(80000)")
    deferrals.defer(engine, **key, report="ad_insights", since=DAY, until=DAY, retry_at=NOW, reason="(80000)")
    assert deferrals.due_at(engine, **key) == NOW
    assert deferrals.due(engine, now=NOW - dt.timedelta(seconds=1)) == []
    assert deferrals.due(engine, now=NOW) == [deferrals.Deferral(
        backfill_id="b", node_id="act_1", since=DAY, until=later, retry_at=NOW,
    )]
    assert list(deferrals.days_of(engine, **key)) == ["ad_insights"]

    deferrals.remove(engine, **key, report="ad_insights")
    assert deferrals.due_at(engine, **key) is None


def test_sizes_that_were_learned_are_stored(engine: sa.Engine) -> None:
    assert report_sizes.get(engine, node_id="act_1", report="ad_insights") == {}
    learned = {"page": 2000, "page_refused": None, "days": 30, "days_refused": 60, "rows_per_day": 1.5, "sync_refused": 7,
             "refused_at": NOW, "page_succeeded": 500}
    for page in (2000, 5000):
        report_sizes.put(engine, node_id="act_1", report="ad_insights", sizes={**learned, "page": page, "largest_page": 1})

    assert report_sizes.get(engine, node_id="act_1", report="ad_insights") == {**learned, "page": 5000}
