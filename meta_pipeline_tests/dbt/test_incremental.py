"""Incremental builds produce the same marts as a full refresh, after every kind of change."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import duckdb
import pytest

from harness.dbt.dbt_builds import STORED, WITHOUT_TESTS, DbtBuilds
from harness.routine.changing_world import ChangingWorld

# Two builds that together have every kind of change, in an order in which changes affect each other.
BATCHES = (
    ("new_account", "renamed_campaign", "late_ad", "changed_currency", "emptied_day", "new_report", "read_again",
     "restated_page", "new_media", "ad_out_of_sight"),
    ("restated_day", "removed_ad", "changed_timezone", "renamed_ad", "new_budget", "new_creative", "edited_post",
     "renamed_page", "late_ad", "created_by_us"),
)
DAYS = ("--select", "int_ad_days", "int_account_days", "int_campaign_days", "int_ad_days_by_country")
# Raw tables that a stored model reads, but whose changes do not change it: a read without a change adds no version;
# insights supply names and currencies of accounts that no listing has, but no time zone.
NOT_A_CHANGE = {
    "facebook_ads__ad_report_history": {"day_versions"},
    "int_report_days_read": {"ad_insights", "account_insights"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ChangingWorld:
    return ChangingWorld(tmp_path_factory.mktemp("world"), seed=23)


@pytest.fixture(scope="module")
def builds(world: ChangingWorld) -> DbtBuilds:
    builds = DbtBuilds(world.path / "dbt")
    builds.run(world.warehouse.file, "build", *WITHOUT_TESTS)
    return builds


def test_every_kind_of_change_is_in_a_batch(world: ChangingWorld) -> None:
    assert {name for batch in BATCHES for name in batch} == set(world.changes)


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0])
def test_an_incremental_build_equals_a_full_refresh(
    world: ChangingWorld, builds: DbtBuilds, batch: tuple[str, ...]
) -> None:
    world.change(*batch)
    builds.run(world.warehouse.file, "run", *STORED)

    assert builds.differences(world.warehouse.file) == []


def test_a_change_that_is_not_logged_is_missed(world: ChangingWorld, builds: DbtBuilds, tmp_path: Path) -> None:
    world.change("late_ad")
    copy = Path(shutil.copy(world.warehouse.file, tmp_path))
    with duckdb.connect(str(copy)) as connection:
        connection.execute("delete from raw_meta_pipeline.changes where report = 'ad_insights'")
    builds.run(copy, "run", *DAYS)

    assert builds.differences(copy, DAYS) != []


def test_a_build_that_is_killed_between_two_models_is_finished_by_the_next(world: ChangingWorld, builds: DbtBuilds) -> None:
    world.change("late_ad", "restated_day", "renamed_ad", "edited_post")
    builds.run_and_kill(world.warehouse.file, after_models=random.Random(46).randrange(3, 20))
    assert builds.differences(world.warehouse.file) != []  # it was killed in time

    builds.run(world.warehouse.file, "run", *STORED)
    assert builds.differences(world.warehouse.file) == []


def test_a_stored_model_names_every_raw_table_that_it_is_built_from(builds: DbtBuilds) -> None:
    assert builds.manifest is not None
    nodes = builds.manifest.nodes
    stored = [node for node in nodes.values() if node.config.get("materialized") == "incremental"]
    assert len(stored) > 30
    for model in stored:
        sources, waiting = set(), [model.unique_id]
        while waiting:
            for id in nodes[waiting.pop()].depends_on_nodes:
                if id.startswith("source."):
                    sources.add(id.rpartition(".")[2])
                elif id.startswith("model."):
                    waiting.append(id)
        assert sources - NOT_A_CHANGE.get(model.name, set()) == set(model.config.meta["reports"]), model.name
