"""The warehouse has the request behind every raw row, once, whichever file it is in."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from meta_pipeline.ask.server import Questions
from meta_pipeline.files.locations import is_cold
from meta_pipeline.flows.compaction import compact_landing
from meta_pipeline.records import Batch
from meta_pipeline.store.landed import ledger
from meta_pipeline.warehouse.raw import requests
from meta_pipeline_tests.warehouse.place import DAY, NOW, Place

UNEXPLAINED = (
    "select count(*) from raw_meta_ads.ad_insights as stored anti join raw_meta_pipeline.requests as known "
    "on known.report = 'ad_insights' and known.node_id = stored.node_id and known.digest = stored._request"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def land(place: Place, *, request: str, days: int, hours: int = 0) -> None:
    at = NOW + dt.timedelta(hours=hours)
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
    for number in range(days):
        place.landing.write_day(
            "ad_insights", "act_1", DAY + dt.timedelta(days=number), [(f'{{"ad_id": "{request}"}}'.encode(), batch)],
            request={"level": "ad", "time_range": request}, run_id="r", backfill_id="b", now=at,
        )


def stored(place: Place) -> list[str]:
    rows = place.rows("select request from raw_meta_pipeline.requests where report = 'ad_insights' order by all")
    return [json.loads(request)["time_range"] for (request,) in rows]


def test_days_of_one_request_have_it_once(place: Place) -> None:
    land(place, request="a", days=3)
    place.load()
    land(place, request="b", days=1, hours=1)
    place.load()

    assert stored(place) == ["a", "b"]
    assert place.rows(UNEXPLAINED) == [(0,)]


def test_a_request_without_a_row_is_removed_now_and_then(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "LOADS_BETWEEN_REMOVALS", 1)
    land(place, request="a", days=1)
    place.load()
    with place.warehouse.open() as connection:
        connection.execute("insert into raw_meta_pipeline.requests values ('ad_insights', 'act_1', 'gone', '{}')")
        connection.execute("insert into raw_meta_pipeline.requests values ('account_insights', 'act_1', 'other', '{}')")
    land(place, request="b", days=1, hours=1)
    place.load()

    assert stored(place) == ["a", "b"]  # the earlier version of the day has the first
    assert place.rows("select count(*) from raw_meta_pipeline.requests where digest in ('gone', 'other')") == [(1,)]


def test_the_requests_of_compacted_days_are_loaded_and_explain_a_figure(place: Place) -> None:
    for request, hours in (("a", 0), ("b", 1)):
        land(place, request=request, days=3 - hours, hours=hours)
    later = NOW + dt.timedelta(days=120)
    compact_landing(place.landing, hot_days=35, now=lambda: later, sleep=lambda _: None)
    assert is_cold(ledger.find(place.engine, report="ad_insights", node_id="act_1", day=DAY).path)  # type: ignore[union-attr]
    place.load()

    assert stored(place) == ["a", "b"]
    assert place.rows(UNEXPLAINED) == [(0,)]
    with place.warehouse.open() as connection:
        connection.execute(
            "create schema marts; create table marts.facebook_ads__ad_report as select day as date_day, "
            "replace(node_id, 'act_', '') as account_id, ad_id, 1 as spend, false as is_provisional from raw_meta_ads.ad_insights")
    questions = Questions(str(place.path), {})
    for day, request in ((DAY, "b"), (DAY + dt.timedelta(days=2), "a")):
        answer = questions.ask("explain_number", {
            "mart": "facebook_ads__ad_report", "metric": "spend", "account_id": "act_1", "date_day": str(day)})
        assert [each["request"]["parameters"] for each in answer["responses"]] == [{"level": "ad", "time_range": request}]
