"""A history has each state once and in order, for any listings and any number of loads between them."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch, LoadError
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.raw.histories import id_and_digest
from meta_pipeline.warehouse.warehouse import Warehouse

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
# Listings of an account: the state of each listed id, and whether a load follows.
LISTINGS = st.lists(
    st.tuples(st.sampled_from(["act_1", "act_2"]), st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)), st.booleans()),
    max_size=8,
)


class Place:
    """A home without insights tables, which every load would have to go through."""

    def __init__(self, path: Path) -> None:
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", ())
        self.at = START

    def listed(self, node_id: str, *entities: Mapping[str, object]) -> None:
        self.at += dt.timedelta(hours=1)
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=self.at)
        self.landing.write_day(
            "campaigns", node_id, SNAPSHOT_DAY, [(json.dumps(entity).encode(), batch) for entity in entities],
            request={}, run_id="r", backfill_id="b", now=self.at,
        )

    def states(self) -> list[tuple[Any, ...]]:
        self.warehouse.load(self.engine, now=self.at)
        with self.warehouse.open() as connection:
            rows = connection.execute(
                "select id, daily_budget, _fetched_at, node_id from raw_meta_ads.campaigns_history order by id, _fetched_at")
            return rows.fetchall()


@given(LISTINGS)
@settings(max_examples=25)
def test_every_state_is_stored_once_for_any_number_of_loads(plan: list[tuple[str, dict[str, int], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        expected: dict[str, list[tuple[Any, ...]]] = {}
        for node_id, entities, is_loaded in plan:
            place.listed(node_id, *({"id": f"{node_id}{id}", "daily_budget": str(state)} for id, state in entities.items()))
            for id, state in entities.items():
                states = expected.setdefault(f"{node_id}{id}", [])
                if not states or states[-1][1] != str(state):
                    states.append((f"{node_id}{id}", str(state), place.at, node_id))
            if is_loaded:
                place.states()
        wanted = [state for id in sorted(expected) for state in expected[id]]

        assert place.states() == wanted == place.states()
        place.warehouse.file.unlink(missing_ok=True)
        assert place.states() == wanted  # from the landed files, without a call


def test_the_digest_ignores_the_order_of_keys_and_volatile_values() -> None:
    campaign = {"id": "1", "name": "A", "daily_budget": "5", "budget_remaining": "4", "amount_spent": "1", "thumbnail_url": "x"}
    same = {"daily_budget": "5", "name": "A", "id": "1", "budget_remaining": "3", "amount_spent": "2", "thumbnail_url": "y"}

    assert id_and_digest(campaign) == id_and_digest(same) != id_and_digest({**campaign, "name": "B"})
    assert id_and_digest({"id": "1", "error": "x [fbtrace A]"}) == id_and_digest({"id": "1", "error": "x [fbtrace B]"})
    assert id_and_digest({"name": "no id"})[0] == ""


def test_a_listing_that_is_lost_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.listed("act_1", {"id": "1"})
    Path(place.landing.location("campaigns", "act_1", SNAPSHOT_DAY)).unlink()

    with pytest.raises(LoadError, match="not on disk"):
        place.states()


def test_of_two_states_in_one_listing_one_is_stored_and_none_without_an_id(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.listed("act_1", {"id": "1", "daily_budget": "1"}, {"id": "1", "daily_budget": "2"}, {"name": "x"})

    assert len(place.states()) == 1


def test_the_history_of_an_older_warehouse_gets_the_columns_that_are_requested_now(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.listed("act_1", {"id": "1", "daily_budget": "1"})
    place.states()
    with place.warehouse.open() as connection:
        connection.execute("alter table raw_meta_ads.campaigns_history drop column objective")
    place.listed("act_1", {"id": "1", "daily_budget": "1", "objective": "OUTCOME_SALES"})
    place.states()

    with place.warehouse.open() as connection:
        states = connection.execute("select objective from raw_meta_ads.campaigns_history order by _fetched_at").fetchall()
    assert states == [(None,), ("OUTCOME_SALES",)]
