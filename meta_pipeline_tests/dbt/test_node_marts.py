"""The history of nodes in the marts equals the history in the control store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.dbt import dbt_builds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.publish.copies.warehouse_copy import linked_nodes
from meta_pipeline.records import NodeLink
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

MONDAY = dt.datetime(2026, 11, 16, 4, 15, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ACCOUNT = NodeLink(
    kind="ad_account", id="act_1", name="Aroha", access="partner", owner_business="Aroha Ltd", owner_business_id="501",
    tasks=("ANALYZE",), timezone="Pacific/Auckland", currency="NZD", token_ref="t",
)
PIXEL = NodeLink(
    kind="pixel", id="5", name="Shop", access="owned", owner_business="Northwind", owner_business_id="500", tasks=(),
    timezone=None, currency=None, token_ref="t",
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the warehouse after three discoveries on three days: the account gets a new owner, and is lost."""
    folder = tmp_path_factory.mktemp("nodes")
    engine = open_store(f"sqlite:///{folder / 'control.sqlite'}")
    sold = dataclasses.replace(ACCOUNT, owner_business="Sakura", owner_business_id="502", tasks=("ADVERTISE", "ANALYZE"))
    for day, links in enumerate([(ACCOUNT, PIXEL), (sold, PIXEL), (PIXEL,)]):
        save(engine, Discovery(links), through="t", now=MONDAY + day * DAY)
    warehouse = Warehouse(folder / "warehouse.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(engine, now=MONDAY)
    warehouse.load(engine, now=MONDAY)  # a second load changes nothing
    dbt_builds.build(warehouse.file, "--indirect-selection", "buildable", "--select", "+dim_nodes +fct_link_changes")
    return warehouse.file


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(query).fetchall()


def test_every_state_of_a_node_has_its_validity(warehouse: Path) -> None:
    query = (
        "select account_id, owner_business_id, tasks, is_reached, valid_from, valid_to, is_current from marts.dim_nodes "
        "where node_id = 'act_1' order by valid_from"
    )
    assert rows(warehouse, query) == [
        ("1", "501", "ANALYZE", True, MONDAY, MONDAY + DAY, False),
        ("1", "502", "ADVERTISE, ANALYZE", True, MONDAY + DAY, MONDAY + 2 * DAY, False),
        ("1", "502", "ADVERTISE, ANALYZE", False, MONDAY + 2 * DAY, None, True),
    ]
    assert rows(warehouse, "select kind, valid_to from marts.dim_nodes where node_id = '5'") == [("pixel", None)]


def test_a_tenants_business_is_the_id_of_the_owner(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        nodes = linked_nodes(connection)

    assert [node.id for node in Tenant("t", businesses=frozenset({"502"})).nodes_among(nodes)] == ["act_1"]


def test_every_change_is_a_row_in_its_order(warehouse: Path) -> None:
    query = (
        "select changed_at, node_id, node_name, change_type, value_before, value_after from marts.fct_link_changes "
        "order by change_id"
    )
    assert rows(warehouse, query) == [
        (MONDAY, "5", "Shop", "new", None, "Shop"), (MONDAY, "act_1", "Aroha", "new", None, "Aroha"),
        (MONDAY + DAY, "act_1", "Aroha", "owner", "501", "502"),
        (MONDAY + DAY, "act_1", "Aroha", "tasks", "ANALYZE", "ADVERTISE, ANALYZE"),
        (MONDAY + 2 * DAY, "act_1", "Aroha", "gone", None, None),
    ]
