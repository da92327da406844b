"""The warehouse has the request behind every raw row, once, whichever file it is in."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from meta_pipeline.records import Batch
from meta_pipeline.warehouse import requests
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
