"""Landed days become raw rows, completely or not at all; readers never see a partial load."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from meta_pipeline.publish.publish import publish
from meta_pipeline.publish.readers.query import QueryError, query
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline_tests.warehouse.place import DAY, NOW, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_day_is_replaced_and_a_day_without_rows_becomes_empty(place: Place) -> None:
    place.land({"ad_id": "1", "spend": "1.10"}, {"ad_id": "2", "spend": "2"})
    place.land({"ad_id": "1", "spend": "3"}, day=DAY + dt.timedelta(days=1))
    assert place.load() == 2
    place.land({"ad_id": "1", "spend": "1.20"})
    place.land(day=DAY + dt.timedelta(days=1))
    assert place.load() == 2

    assert place.rows("select ad_id, spend from raw_meta_ads.ad_insights") == [("1", "1.20")]
    assert place.load() == 0


def test_actions_keep_their_windows_and_unknown_keys_stay_in_the_payload(place: Place) -> None:
    action = {"action_type": "purchase", "value": "4", "7d_click": "3", "dda": "9"}
    place.land({"ad_id": "1", "actions": [action], "brand_new": "x"})
    place.load()
    actions, payload = place.rows("select actions, payload from raw_meta_ads.ad_insights")[0]

    assert (actions[0]["value"], actions[0]["7d_click"]) == ("4", "3")
    assert json.loads(payload)["brand_new"] == "x"


def test_a_lost_file_is_named_and_waits_until_it_is_back(place: Place) -> None:
    place.load()
    place.land({"ad_id": "1"})
    path = Path(place.landing.location("ad_insights", "act_1", DAY))
    away = path.rename(path.with_suffix(".away"))

    (sentence,) = place.warehouse.load(place.engine, now=NOW).skipped
    assert "not on disk" in sentence and str(path) in sentence
    away.rename(path)
    assert place.load() == 1


def test_an_open_reader_keeps_its_file_and_the_next_one_sees_the_new_file(place: Place, tmp_path: Path) -> None:
    published = tmp_path / "published" / "warehouse.duckdb"
    place.land({"ad_id": "1"})
    place.load()
    publish(place.warehouse.file, str(published), now=NOW)
    count = "select count(*) from raw_meta_ads.ad_insights"
    with duckdb.connect(str(published), read_only=True) as reader:
        place.land({"ad_id": "1"}, {"ad_id": "2"})
        place.load()
        publish(place.warehouse.file, str(published), now=NOW)

        assert reader.execute(count).fetchone() == (1,)
    assert query(str(published), count)[1] == [(2,)]
    assert [published.name] == [file.name for file in published.parent.iterdir()]


def test_a_copy_of_a_killed_process_is_removed_and_one_in_progress_stays(place: Place, tmp_path: Path) -> None:
    published = tmp_path / "published" / "warehouse.duckdb"
    published.parent.mkdir()
    ended = subprocess.Popen(["sleep", "60"])
    left, left_by_older_version, under_way, elsewhere, long_ago, of_another_file = (
        published.with_name(f".{name}.tmp")
        for name in (
            f"{published.name}~0~{identity(ended.pid)}", f"{published.name}.{identity(ended.pid)}",
            f"{published.name}~0~{identity(os.getppid())}", f"{published.name}~0~elsewhere:1:1",
            f"{published.name}.12345", f"other.duckdb~0~{identity(ended.pid)}",
        )
    )
    ended.kill()
    ended.wait()
    for copy in (left, left_by_older_version, under_way, elsewhere, long_ago, of_another_file):
        copy.write_bytes(b"half")
    os.utime(long_ago, (0, 0))
    place.load()

    publish(place.warehouse.file, str(published), now=NOW)

    assert {published, under_way, elsewhere, of_another_file} == set(published.parent.iterdir())


def test_a_query_can_not_write_and_its_errors_are_sentences(place: Place, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="backfill"):
        query(str(tmp_path / "nothing.duckdb"), "select 1")
    place.load()
    publish(place.warehouse.file, str(tmp_path / "p.duckdb"), now=NOW)
    with pytest.raises(QueryError):
        query(str(tmp_path / "p.duckdb"), "create table t (i int)")
    with pytest.raises(QueryError, match="nonsense"):
        query(str(tmp_path / "p.duckdb"), "select nonsense")
    assert [(Decimal("1.10"),)] == query(str(tmp_path / "p.duckdb"), "select 1.10")[1]
