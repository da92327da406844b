"""The warehouse file knows what has changed since its marts were built."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from meta_pipeline.warehouse.mart_builds import MartState, finish_mart_build, read_mart_state, start_mart_build
from meta_pipeline_tests.warehouse.place import DAY, Place

CHANGED = frozenset({"ad_insights", "day_versions"})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.land({"ad_id": "1", "spend": "1"})
    place.load()
    return place


def state(place: Place) -> MartState:
    with place.warehouse.open() as connection:
        return read_mart_state(connection)


def build(place: Place) -> None:
    loads = state(place).loads
    with place.warehouse.open() as connection:
        finish_mart_build(connection, loads=loads, digest="d", on=DAY)


def test_everything_has_changed_before_the_first_build(place: Place) -> None:
    assert state(place) == MartState(loads=1, changed=CHANGED)


def test_after_a_build_only_later_loads_have_changed_something(place: Place) -> None:
    build(place)
    assert state(place) == MartState(loads=1, built_to=1, digest="d", built_on=DAY)

    place.load()
    assert state(place).changed == frozenset()
    place.land({"ad_id": "1", "spend": "1"}, day=DAY + dt.timedelta(days=1))
    place.load()
    assert (state(place).loads, state(place).changed) == (3, CHANGED)


def test_a_build_that_did_not_end_leaves_its_changes_to_the_next_one(place: Place) -> None:
    build(place)
    with place.warehouse.open() as connection:
        start_mart_build(connection, ["campaigns"])
    place.land({"ad_id": "2"})
    place.load()
    with place.warehouse.open() as connection:
        connection.execute("delete from raw_meta_pipeline.changes where report <> 'ad_insights'")  # as dbt does

    assert state(place).changed == {"campaigns", "ad_insights"}
    build(place)
    assert state(place).changed == frozenset()


def test_tables_are_recorded_as_untested_until_their_daily_tests_run(place: Place) -> None:
    for untested in ({"ad_insights"}, {"ad_insights", "day_versions"}, set[str]()):
        with place.warehouse.open() as connection:
            finish_mart_build(connection, loads=1, digest="d", on=DAY, untested=untested)
        assert state(place).untested == untested
