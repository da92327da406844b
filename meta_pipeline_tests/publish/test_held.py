"""An account whose check fails keeps its last good publication; the others are not affected."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meta_pipeline.intake.file import parse_intake
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.publish.publish import Publication, publish
from meta_pipeline_tests.fakes.small_warehouse import ACCOUNTS, NOW, SmallWarehouse

HOLD = PublishPolicy(holds_failed=True, tenants=parse_intake('[tenants.north]\nnodes = ["act_71", "81"]', source="t").tenants)


@pytest.fixture
def warehouse(tmp_path: Path) -> SmallWarehouse:
    return SmallWarehouse(tmp_path)


def published(warehouse: SmallWarehouse, policy: PublishPolicy = HOLD, *, day: int = 1) -> Publication:
    return publish(warehouse.file, warehouse.published, now=NOW + dt.timedelta(days=day), policy=policy)


def rows(file: str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(file, read_only=True) as connection:
        return connection.execute(f"set timezone = 'UTC'; {sql}").fetchall()


def stamps(file: str) -> dict[str, int]:
    """Return the stamp of each account in the view, after checking that the raw rows have the same."""
    by_account = dict(rows(file, "select 'act_' || account_id, stamp from marts.facebook_ads__ad_report"))
    assert dict(rows(file, "select node_id, stamp from raw_meta_ads.ad_insights")) == by_account
    return by_account


def status(file: str, node_id: str) -> tuple[Any, ...]:
    ((held, reason, at, build),) = rows(
        file, "select is_held_back, held_back_reason, last_good_at, last_good_build_id "
        f"from raw_meta_pipeline.node_publications where node_id = '{node_id}'")
    return held, reason, at, build


def test_a_failed_account_keeps_its_last_good_rows_and_the_others_are_updated(warehouse: SmallWarehouse) -> None:
    first = published(warehouse)
    for stamp in (1, 2):  # held over several publications
        warehouse.build(stamp, failing=("act_71",))
        held = published(warehouse, day=stamp + 1)

    for file in (warehouse.published, held.tenants["north"]):
        assert stamps(file)["act_71"] == 0
        assert rows(file, "select stamp from marts.facebook_pages__pages_report") == [(2,)]
        assert status(file, "act_71") == (True, "reconciliation (1 from 2026-11-01 on)", NOW + dt.timedelta(days=1), first.build_id)
        # The failure itself is of the current build.
        assert rows(file, "select account_id from marts.fct_check_failures") == [("71",)]
        assert rows(file, "select held_back_nodes from marts.publication") == [(1,)]
    assert stamps(warehouse.published) == {"act_71": 0, "act_72": 2, "act_73": 2}
    assert status(warehouse.published, "act_72") == (False, None, NOW + dt.timedelta(days=3), held.build_id)

    warehouse.build(3)
    good = published(warehouse, day=4)
    assert stamps(warehouse.published) == dict.fromkeys(ACCOUNTS, 3)
    assert status(warehouse.published, "act_71") == (False, None, NOW + dt.timedelta(days=4), good.build_id)


def test_without_the_setting_a_failed_account_is_published(warehouse: SmallWarehouse) -> None:
    published(warehouse)
    warehouse.build(1, failing=("act_71",))
    published(warehouse, PublishPolicy())

    assert stamps(warehouse.published) == dict.fromkeys(ACCOUNTS, 1)
    assert status(warehouse.published, "act_71")[0] is False


@pytest.mark.parametrize("cause", ["nothing was published before", "had other columns then", "no good publication"])
def test_an_account_without_comparable_earlier_rows_is_left_out_and_its_status_says_so(
    warehouse: SmallWarehouse, cause: str
) -> None:
    if cause == "had other columns then":
        published(warehouse)
    elif cause == "no good publication":  # it failed from the beginning
        warehouse.build(0, failing=("act_71",))
        published(warehouse)
    warehouse.build(1, failing=("act_71",))
    if cause == "had other columns then":
        warehouse.change("alter table raw_meta_ads.ad_insights add column more varchar")
    published(warehouse)

    assert stamps(warehouse.published) == {"act_72": 1, "act_73": 1}
    held, reason, at, build = status(warehouse.published, "act_71")
    assert (held, at, build) == (True, None, None) and "not in this publication" in reason and cause in reason


def test_a_table_that_is_new_is_empty_for_a_held_account(warehouse: SmallWarehouse) -> None:
    published(warehouse)
    warehouse.build(1, failing=("act_71",))
    warehouse.change("create table raw_meta_ads.mine as select node_id, stamp from raw_meta_ads.ad_insights")
    published(warehouse)

    assert stamps(warehouse.published)["act_71"] == 0
    assert rows(warehouse.published, "select node_id from raw_meta_ads.mine order by 1") == [("act_72",), ("act_73",)]


def test_the_warehouse_itself_is_not_changed(warehouse: SmallWarehouse) -> None:
    published(warehouse)
    warehouse.build(1, failing=("act_71",))
    before = warehouse.file.read_bytes()
    published(warehouse)

    assert stamps(str(warehouse.file)) == dict.fromkeys(ACCOUNTS, 1)
    assert warehouse.file.read_bytes() == before
