"""Retention with an injected clock: a floor keeps data and a ceiling expires it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.landing.filled_home import FilledHome
from meta_pipeline.erasure.retention import Retention, retention_by_node
from meta_pipeline.flows.leaving.expiring import Expiry, expire_data, expiries
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.landing.compaction import compact_node
from meta_pipeline.records import SNAPSHOT_DAY, NodeLink
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed import warehouse_state, zones

LINK = NodeLink(
    kind="ad_account", id="act_1", name="One", access="owned", owner_business="5", tasks=(), timezone="Pacific/Auckland",
    currency="NZD", token_ref="t",
)


def tenant(name: str, floor: int | None, ceiling: int | None) -> Tenant:
    return Tenant(name, nodes=frozenset({"act_1"}), retention_floor_days=floor, retention_ceiling_days=ceiling)


@pytest.mark.parametrize(
    ("tenants", "kept_days"),
    [
        ([tenant("a", None, None)], None),
        ([tenant("a", 90, None)], None),
        ([tenant("a", None, 30)], 30),
        ([tenant("a", 10, 30)], 30),
        ([tenant("a", 10, 30), tenant("b", None, 20)], 20),
        ([tenant("a", None, 30), tenant("b", 90, None)], 90),  # a node of two customers: the floor keeps it
        ([tenant("a", None, 30), tenant("b", 90, 400)], 90),
    ],
)
def test_the_longest_floor_and_the_shortest_ceiling_of_a_nodes_customers_apply(tenants: list[Tenant], kept_days: int | None) -> None:
    rule = retention_by_node(tenants, [LINK]).get("act_1", Retention())

    assert rule.kept_days == kept_days


def filled(path: Path) -> FilledHome:
    """Return a home with compacted days of October and a day of November, each of them restated."""
    home = FilledHome(path)
    node_links.save(home.engine, [LINK], now=home.at)
    for day in (dt.date(2026, 10, 1), dt.date(2026, 10, 20), dt.date(2026, 11, 10)):
        home.land("ad_insights", day, {"ad_id": "1", "spend": "1"})
        home.land("ad_insights", day, {"ad_id": "1", "spend": "2"})
    home.land("campaigns", SNAPSHOT_DAY, {"id": "9", "name": "now"})
    compact_node(home.landing.root, home.engine, "act_1", before=dt.date(2026, 11, 1))
    home.load()
    return home


def expire(home: FilledHome, now: dt.datetime, *tenants: Tenant) -> Expiry:
    return expire_data(tenants, engine=home.engine, warehouse=home.warehouse, now=lambda: now, sleep=lambda _: None)


def landed_days(home: FilledHome) -> list[dt.date]:
    files = zones.find_settled(home.engine, node_id="act_1", before=dt.date(2027, 1, 1), has_versions=False)
    return sorted(file.day for file in files)


def raw_days(home: FilledHome) -> dict[str, set[dt.date]]:
    with home.warehouse.open() as connection:
        return {
            name: {day for (day,) in connection.execute(f"select day from {name} where node_id = 'act_1'").fetchall()}
            for name in ("raw_meta_ads.ad_insights", "raw_meta_ads.ad_insights_versions", "raw_meta_pipeline.day_versions")
        }


NOW = dt.datetime(2026, 11, 15, 12, tzinfo=dt.UTC)  # 2026-11-16 in Auckland
ALL = [dt.date(2026, 10, 1), dt.date(2026, 10, 20), dt.date(2026, 11, 10)]


@pytest.mark.parametrize(
    ("tenants", "days"),
    [
        ([tenant("a", 90, None)], ALL),
        ([tenant("a", None, 30), tenant("b", 90, None)], ALL),
        ([tenant("a", None, 46)], ALL),
        ([tenant("a", None, 45)], ALL[1:]),  # within the file of October
        ([tenant("a", None, 7)], ALL[2:]),
        ([tenant("a", None, 5)], []),
    ],
)
def test_days_beyond_the_ceiling_leave_the_files_the_ledger_and_the_raw_tables(tmp_path: Path, tenants: list[Tenant], days: list[dt.date]) -> None:
    home = filled(tmp_path)

    result = expire(home, NOW, *tenants)

    assert landed_days(home) == days and result.expired.days == 3 - len(days)
    assert raw_days(home) == {name: set(days) for name in raw_days(home)}
    on_disk = {path.name for path in (tmp_path / "landing" / "ad_insights").rglob("*.parquet") if path.is_file()}
    assert ("2026-10.parquet" in on_disk) == any(day.month == 10 for day in days)
    assert (tmp_path / "landing" / "campaigns" / "act_1" / f"{SNAPSHOT_DAY}.parquet").exists()
    assert expire(home, NOW, *tenants).as_json() == {"days": 0, "versions": 0, "files": 0, "rows": 0, "sealed_records": 0, "busy": [], "problems": []}


def test_an_expiry_makes_a_build_due_and_needs_no_other_load(tmp_path: Path) -> None:
    home = filled(tmp_path)
    before = warehouse_state.find(home.engine)

    expire(home, NOW, tenant("a", None, 7))

    after = warehouse_state.find(home.engine)
    assert after.load_id != before.load_id and after.loads == before.loads + 1 and after.identity == before.identity
    with home.warehouse.open() as connection:
        changed = connection.execute(
            "select distinct report, day from raw_meta_pipeline.changes where load_number = ?", [after.loads]).fetchall()
    assert {("ad_insights", ALL[0]), ("ad_insights", ALL[1]), ("ad_insights_versions", ALL[0])} <= set(changed)
    assert home.load() == 0
    home.warehouse.check_complete(home.engine)


def test_a_node_that_is_being_read_is_left_to_the_next_expiry(tmp_path: Path) -> None:
    home = filled(tmp_path)
    with leases.hold(home.engine, "act_1", now=lambda: NOW, sleep=lambda _: None):
        result = expire(home, NOW, tenant("a", None, 7))

    assert result.busy == ("act_1",) and landed_days(home) == ALL and raw_days(home)["raw_meta_ads.ad_insights"] == set(ALL)


def test_the_report_says_what_expires_next(tmp_path: Path) -> None:
    home = filled(tmp_path)

    (next_expiry,) = expiries([tenant("a", None, 60)], engine=home.engine)

    assert (next_expiry.oldest_day, next_expiry.expires_on) == (dt.date(2026, 10, 1), dt.date(2026, 12, 1))
    on_that_day = dt.datetime(2026, 12, 1, 0, tzinfo=dt.UTC)
    assert expire(home, on_that_day - dt.timedelta(days=1), tenant("a", None, 60)).expired.days == 0
    assert expire(home, on_that_day, tenant("a", None, 60)).expired.days == 1
