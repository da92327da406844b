"""The ledger of landed files and its queues, on SQLite and on a real Postgres."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa

from meta_pipeline.records import LandedFile
from meta_pipeline.store.landed import day_versions, ledger, listing_sweeps, load_queue, read_times

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)


def test_a_landed_file_waits_until_it_is_loaded(engine: sa.Engine) -> None:
    file = LandedFile(report="ad_insights", node_id="act_1", day=DAY, path="p", rows=3, digest="d1", landed_at=NOW)
    ledger.record(engine, file, backfill_id="b")

    assert [file] == load_queue.waiting_files(engine)
    assert {DAY: file} == ledger.find_days(
        engine, report="ad_insights", node_id="act_1", days=[DAY], backfill_id="b")
    assert ledger.find_days(engine, report="ad_insights", node_id="act_1", days=[DAY], backfill_id="other") == {}
    load_queue.mark_loaded(engine, [file], now=NOW)
    assert load_queue.waiting_files(engine) == []
    assert ledger.count_landed(engine, backfill_id="b", reports=["ad_insights"]) == 1


def test_a_file_that_landed_again_meanwhile_keeps_waiting(engine: sa.Engine) -> None:
    old = LandedFile(report="ad_insights", node_id="act_1", day=DAY, path="p", rows=3, digest="d1", landed_at=NOW)
    new = LandedFile(report="ad_insights", node_id="act_1", day=DAY, path="p", rows=4, digest="d2", landed_at=NOW)
    ledger.record(engine, old, backfill_id="b")
    ledger.record(engine, new, backfill_id="b")
    load_queue.mark_loaded(engine, [old], now=NOW)

    assert [new] == load_queue.waiting_files(engine)


def test_a_sweep_counts_only_for_the_request_that_it_was_made_with(engine: sa.Engine) -> None:
    here = {"node_id": "act_1", "kind": "ads"}
    assert listing_sweeps.swept_at(engine, **here, request_digest="a") is None
    listing_sweeps.record_sweep(engine, **here, request_digest="a", at=NOW)
    assert listing_sweeps.swept_at(engine, **here, request_digest="a") == NOW and listing_sweeps.swept_at(engine, **here, request_digest="b") is None
    listing_sweeps.record_sweep(engine, **here, request_digest="b", at=NOW + dt.timedelta(days=1))
    assert listing_sweeps.swept_at(engine, **here, request_digest="b") == NOW + dt.timedelta(days=1)

    listing_sweeps.remove_sweeps(engine, node_id="act_1", kinds=["ads", "campaigns"])
    assert listing_sweeps.swept_at(engine, **here, request_digest="b") is None

    file = LandedFile(report="ads", node_id="act_1", day=DAY, path="/a", rows=1, digest="d1", landed_at=NOW)
    day_versions.record(engine, file)
    now = LandedFile(
        report="ads", node_id="act_1", day=DAY, path="/b", rows=1, digest="d2", landed_at=NOW + dt.timedelta(days=1),
    )
    ledger.record(engine, now, backfill_id="b")
    assert listing_sweeps.all_listings(engine, kind="ads") == [file, now] and listing_sweeps.all_listings(engine, kind="x") == []


def test_the_last_reads_of_a_node_and_its_days_are_returned(engine: sa.Engine) -> None:
    later = NOW + dt.timedelta(hours=1)
    for day, at in ((DAY, NOW), (DAY + dt.timedelta(days=1), later)):
        ledger.record(engine, LandedFile(
            report="ad_insights", node_id="act_1", day=day, path="p", rows=3, digest="d", landed_at=at,
        ), backfill_id="b")

    assert read_times.last_read_by_node(engine) == {"act_1": later}
    both = ("ad_insights", "account_insights")
    ledger.record(engine, LandedFile(
        report="account_insights", node_id="act_1", day=DAY, path="p", rows=1, digest="d", landed_at=later,
    ), backfill_id="b")
    assert read_times.days_read_since(engine, node_id="act_1", reports=both, since=DAY) == {DAY: NOW}
    assert read_times.days_read_since(engine, node_id="act_1", reports=both, since=DAY + dt.timedelta(days=1)) == {}


def test_earlier_versions_wait_until_they_are_loaded_each_with_its_end(engine: sa.Engine) -> None:
    at = [NOW + dt.timedelta(hours=n) for n in range(3)]
    files = [LandedFile(
        report="ad_insights", node_id="act_1", day=DAY, path=f"p{n}", rows=1, digest=f"d{n}", landed_at=at[n],
    ) for n in range(3)]
    assert day_versions.find_waiting(engine, reports=["ad_insights"]) == []
    day_versions.record(engine, files[0])
    day_versions.record(engine, files[1])
    ledger.record(engine, files[2], backfill_id="b")
    waiting = day_versions.find_waiting(engine, reports=["ad_insights"])
    assert [(version.file, version.replaced_at) for version in waiting] == [(files[0], at[1]), (files[1], at[2])]

    day_versions.mark_loaded(engine, waiting[:1], now=NOW)
    assert [version.file for version in day_versions.find_waiting(engine, reports=["ad_insights"])] == [files[1]]


def test_every_version_of_the_days_read_since_a_time_has_its_span(engine: sa.Engine) -> None:
    hours = [NOW + dt.timedelta(hours=n) for n in range(4)]

    def landed(at: dt.datetime, rows: int, *, report: str = "ad_insights") -> LandedFile:
        return LandedFile(
            report=report, node_id="act_1", day=DAY, path=f"{at}.parquet", rows=rows, digest=f"{at}", landed_at=at,
        )

    for at, rows in zip(hours[:3], (5, 0, 7), strict=True):
        ledger.record(engine, landed(at, rows), backfill_id="b")
        if at < hours[2]:
            day_versions.record(engine, landed(at, rows))
    ledger.record(engine, landed(hours[0], 1, report="accounts"), backfill_id="b")
    ledger.record(engine, dataclasses.replace(landed(hours[2], 7), landed_at=hours[3]), backfill_id="b")

    def spans(since: dt.datetime | None) -> list[tuple[object, ...]]:
        versions = day_versions.find_since(engine, since={"ad_insights": since})
        return sorted((version.landed_at, version.replaced_at, version.read_at, version.rows) for version in versions)

    assert spans(None) == spans(hours[3]) == [
        (hours[0], hours[1], hours[0], 5), (hours[1], hours[2], hours[1], 0), (hours[2], None, hours[3], 7)
    ]
    assert spans(hours[3] + dt.timedelta(seconds=1)) == []
