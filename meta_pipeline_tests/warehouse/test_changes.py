"""The log of changes has exactly what a load changed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from meta_pipeline.records import SNAPSHOT_DAY, LoadError
from meta_pipeline_tests.warehouse.place import DAY, NOW, Place

NEXT_DAY = DAY + dt.timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def changes(place: Place, load_number: int) -> list[tuple[str, dt.date]]:
    """Load the waiting files and return the (report, day) pairs that the log has under this number."""
    place.load()
    query = f"select report, day from raw_meta_pipeline.changes where load_number = {load_number} order by all"
    return [(str(report), day) for report, day in place.rows(query)]


def test_a_load_logs_the_days_that_it_replaced_with_its_number(place: Place) -> None:
    place.land({"ad_id": "1", "spend": "1"})
    place.land({"ad_id": "1", "spend": "2"}, day=NEXT_DAY)
    assert changes(place, 1) == [
        ("ad_insights", DAY), ("ad_insights", NEXT_DAY), ("day_versions", DAY), ("day_versions", NEXT_DAY)]

    place.land(day=NEXT_DAY, at=NOW + dt.timedelta(hours=1))
    assert changes(place, 2) == [
        ("ad_insights", NEXT_DAY), ("ad_insights_versions", NEXT_DAY), ("day_versions", NEXT_DAY)]
    assert changes(place, 3) == []
    assert place.rows("select count(*) from raw_meta_pipeline.changes where report = 'ad_insights'") == [(2,)]


def test_a_day_that_was_read_again_without_a_change_has_only_a_new_read_time(place: Place) -> None:
    place.land({"ad_id": "1"})
    changes(place, 1)
    place.land({"ad_id": "1"}, at=NOW + dt.timedelta(hours=1))

    assert changes(place, 2) == [("day_versions", DAY)]


def test_a_listing_is_logged_and_its_history_only_when_a_state_is_new(place: Place) -> None:
    later = NOW + dt.timedelta(hours=1)
    place.land({"id": "7", "name": "a", "budget_remaining": "5"}, report="campaigns", day=SNAPSHOT_DAY)
    assert changes(place, 1) == [("campaigns", SNAPSHOT_DAY), ("campaigns_history", SNAPSHOT_DAY)]

    place.land({"id": "7", "name": "a", "budget_remaining": "4"}, report="campaigns", day=SNAPSHOT_DAY, at=later)
    assert changes(place, 2) == [("campaigns", SNAPSHOT_DAY)]


def test_a_load_that_cannot_be_logged_changes_no_row(place: Place) -> None:
    place.land({"ad_id": "1"})
    place.load()
    place.land({"ad_id": "2"}, at=NOW + dt.timedelta(hours=1))
    with place.warehouse.open() as connection:  # without this column every insert of a change fails
        connection.execute("alter table raw_meta_pipeline.changes drop column load_number")
    with pytest.raises(LoadError):
        place.load()
    assert place.rows("select ad_id from raw_meta_ads.ad_insights") == [("1",)]

    with place.warehouse.open() as connection:
        connection.execute("alter table raw_meta_pipeline.changes add column load_number bigint")
    assert ("ad_insights", DAY) in changes(place, 2)


def test_rows_that_get_values_in_a_new_column_are_logged(place: Place) -> None:
    place.land({"ad_id": "1", "spend": "1"})
    place.load()
    with place.warehouse.open() as connection:
        connection.execute("alter table raw_meta_ads.ad_insights drop column spend")

    assert changes(place, 2) == [("ad_insights", DAY)]
    assert place.rows("select spend from raw_meta_ads.ad_insights") == [("1",)]
