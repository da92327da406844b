"""The dims and the URL report, from listings that are landed, loaded and modelled by dbt itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from harness.dbt import dbt_builds
from harness.routine.created_objects import create_by_plan
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SPEC = {"link_data": {"link": "https://shop.example:443/a/b?utm_source=fb&x=1#top"}}


class Place:
    """A landing and a warehouse; each listing has the state of one moment."""

    def __init__(self, path: Path) -> None:
        self.path, self.statuses = path, dict[str, str]()
        self.engine: sa.Engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))

    def listed(self, kind: str, at: dt.datetime, *records: Mapping[str, object], node: str = "act_1") -> None:
        self.land(kind, SNAPSHOT_DAY, at, *records, node=node)

    def land(self, report: str, day: dt.date, at: dt.datetime, *records: Mapping[str, object], node: str = "act_1") -> None:
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
        self.landing.write_day(
            report, node, day, [(json.dumps(row).encode(), batch) for row in records], request={}, run_id="r",
            backfill_id="b", now=at,
        )
        self.warehouse.load(self.engine, now=at)

    def build(self) -> dict[str, str]:
        return dbt_builds.build(self.warehouse.file, "--select", "+facebook_ads__url_report +fivetran")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.open() as connection:
            return connection.execute(query).fetchall()


def at(days: float) -> dt.datetime:
    return NOON + days * DAY


def stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.timezone(dt.timedelta(hours=-8))).strftime("%Y-%m-%dT%H:%M:%S%z")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("histories"))
    create_by_plan(place.engine, "act_1", {"campaign": "1", "ad": "30"}, plan_id="p")
    create_by_plan(place.engine, "act_2", {"campaign": "2"}, plan_id="q", status="sending")
    for node, currency, cap in (("1", "USD", "123456"), ("2", "JPY", "5000"), ("3", "BHD", "100"), ("4", "KWD", "100")):
        account = {"id": f"act_{node}", "account_id": node, "name": node, "currency": currency, "spend_cap": cap}
        place.listed("accounts", at(0), account, node=f"act_{node}")
        place.listed("campaigns", at(0), campaign(node, node, at(-9), daily_budget="12345"), node=f"act_{node}")
    # Campaign 1: renamed an hour before the listing; then changed without a new updated_time; then updated in the
    # future; then deleted; then no longer readable.
    states: list[tuple[int, dict[str, Any]]] = [
        (1, {"updated": at(1) - dt.timedelta(hours=1), "name": "Autumn", "daily_budget": "20000", "budget_remaining": "7"}),
        (2, {"updated": at(1) - dt.timedelta(hours=1), "name": "Autumn", "effective_status": "WITH_ISSUES"}),
        (3, {"updated": at(9), "name": "Future"}),
        (4, {"updated": at(4) - dt.timedelta(minutes=1), "name": "Future", "status": "DELETED", "effective_status": "DELETED"}),
    ]
    for day, expected_state in states:
        place.listed("campaigns", at(day), campaign("1", "1", **expected_state))
    place.listed("campaigns", at(5), {"id": "1", "error": "(100/33) gone [fbtrace A]"})
    place.listed("campaigns", at(6), {"id": "1", "error": "(100/33) gone [fbtrace B]"})

    place.listed("ad_sets", at(0), {**campaign("20", "1", at(-9), daily_budget="50"), "campaign_id": "1"})
    ads = [(0, "8"), (2, "9")]
    for day, creative in ads:
        place.listed("ads", at(day), {
            **campaign("30", "1", at(day) - dt.timedelta(hours=2)), "campaign_id": "1", "adset_id": "20",
            "creative": {"id": creative}})
    place.listed("creatives", at(0), {"id": "8", "account_id": "1", "name": "Eight", "object_story_spec": SPEC},
                 {"id": "9", "account_id": "1", "name": "Nine", "link_url": "https://other.example/%zz",
                  "url_tags": "utm_source=ig&utm_campaign=a%20b+{{campaign.name}}&utm_term=%zz"})
    place.listed("thumbnails", at(0), {"id": "8", "sha256": "ab", "path": "thumbnails/ab.jpg"}, {"id": "9", "error": "403"})
    for day in (-3, 0, 1, 2, 3):
        row = {"account_id": "1", "campaign_id": "1", "adset_id": "20", "ad_id": "30", "spend": "1.5",
               "date_start": str(at(day).date()), "account_currency": "USD"}
        place.land("ad_insights", at(day).date(), at(9), row, {**row, "ad_id": "31"})
    place.statuses = place.build()
    return place


def campaign(id: str, account: str, updated: dt.datetime, name: str = "First", **more: object) -> dict[str, object]:
    return {"id": id, "account_id": account, "name": name, "status": "ACTIVE", "effective_status": "ACTIVE",
            "updated_time": stamp(updated), "created_time": stamp(at(-9)), **more}


def test_a_state_is_valid_from_metas_time_if_that_is_possible_or_from_the_listing(built: Place) -> None:
    hour, minute = dt.timedelta(hours=1), dt.timedelta(minutes=1)
    spans = built.rows("select campaign_name, status, valid_from, valid_to, is_current, deleted_seen_at, error is not null "
                       "from marts.dim_campaigns where campaign_id = '1' order by valid_from")

    starts = [at(-9), at(1) - hour, at(2), at(3), at(4) - minute, at(5)]
    assert [row[2] for row in spans] == starts
    assert [row[3] for row in spans] == [*starts[1:], None]
    assert [row[4] for row in spans] == [False] * 5 + [True]
    assert [row[:2] for row in spans] == [
        ("First", "ACTIVE"), ("Autumn", "ACTIVE"), ("Autumn", "WITH_ISSUES"), ("Future", "ACTIVE"), ("Future", "DELETED"),
        ("Future", "DELETED")]  # no longer readable: the last known values stay
    assert [row[5] for row in spans] == [None] * 4 + [at(4), at(4)]
    assert [row[6] for row in spans] == [False] * 5 + [True]


def test_money_is_in_major_units_by_metas_own_offsets_and_unknown_is_null(built: Place) -> None:
    caps = dict(built.rows("select currency, spend_cap from marts.dim_accounts"))
    budgets = dict(built.rows("select currency, daily_budget from marts.dim_campaigns where campaign_name = 'First'"))

    assert caps == {"USD": Decimal("1234.56"), "JPY": Decimal(5000), "BHD": Decimal(1), "KWD": None}
    assert budgets == {"USD": Decimal("123.45"), "JPY": Decimal(12345), "BHD": Decimal("123.45"), "KWD": None}
    assert built.rows("select daily_budget from marts.dim_campaigns where campaign_name = 'Autumn' order by valid_from")[0] == (Decimal(200),)
    assert [status for name, status in built.statuses.items() if "currency_has_an_offset" in name] == ["warn"]


def test_objects_that_a_plan_created_are_ours(built: Place) -> None:
    assert set(built.rows("select campaign_id, is_ours from marts.dim_campaigns where is_ours or campaign_id = '2'")) == {("1", True), ("2", False)}
    assert built.rows("select distinct ad_id from marts.dim_ads where is_ours") == [("30",)]


def test_an_ads_day_has_the_url_of_its_creative_of_that_day(built: Place) -> None:
    rows = built.rows("select date_day::varchar, creative_name, base_url, url_host, url_path, utm_source, utm_campaign, "
                      "utm_term, spend from marts.facebook_ads__url_report where ad_id = '30' order by 1")

    eight = ("Eight", "https://shop.example:443/a/b", "shop.example", "/a/b", "fb", None, None, Decimal("1.5"))
    nine = ("Nine", "https://other.example/%zz", "other.example", "/%zz", "ig", "a b {{campaign.name}}", "%zz", Decimal("1.5"))
    assert rows == [("2026-11-07", *eight), ("2026-11-10", *eight), ("2026-11-11", *eight), ("2026-11-12", *nine),
                    ("2026-11-13", *nine)]
    assert built.rows("select count(*) from marts.facebook_ads__url_report where ad_id = '31'") == [(0,)]
    assert built.rows("select creative_name, thumbnail_path, thumbnail_error from marts.dim_creatives order by 1") == [
        ("Eight", "thumbnails/ab.jpg", None), ("Nine", None, "403")]


def test_fivetrans_tables_have_the_same_states(built: Place) -> None:
    assert built.rows("select name, status, daily_budget from facebook_ads.campaign_history where id = '1' order by updated_time") == [
        ("First", "ACTIVE", Decimal(12345)), ("Autumn", "ACTIVE", Decimal(20000)), ("Autumn", "WITH_ISSUES", None),
        ("Future", "ACTIVE", None), ("Future", "DELETED", None)]
    assert built.rows("select id, creative_id from facebook_ads.ad_history where id = '30' order by updated_time") == [("30", "8"), ("30", "9")]
    assert built.rows("select status, updated_time = timezone('UTC', timestamp '2026-11-07') from facebook_ads.ad_history where id = '31'") == [
        (None, True)]  # it was in no listing, only in insights
    assert built.rows("select page_link from facebook_ads.creative_history order by id")[1] == ("https://other.example/%zz",)
    assert built.rows("select count(*) from facebook_ads.account_history") == [(4,)]
