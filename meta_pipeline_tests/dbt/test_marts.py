"""The marts of a few days, with every row written by hand."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.dbt import dbt_builds
from harness.dbt.dbt_builds import DbtBuilds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch
from meta_pipeline.status import coverage
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

DAY = dt.date(2026, 11, 20)
# 23:00 on DAY in Auckland, 02:00 in Los Angeles.
BEFORE = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
# 00:30 on the day after it in Auckland, 03:30 on DAY in Los Angeles.
AFTER = dt.datetime(2026, 11, 20, 11, 30, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
AD = {
    "account_id": "1", "account_currency": "NZD", "campaign_id": "C", "adset_id": "S", "ad_id": "A", "clicks": "4",
    "impressions": "10", "inline_link_clicks": "3", "spend": "2.5",
}
Query = Callable[[str], list[tuple[Any, ...]]]


class Landed:
    """A landing for days that are written by hand."""

    def __init__(self, path: Path) -> None:
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)

    def __call__(
        self, report: str, *rows: Mapping[str, object], at: dt.datetime = LATER, day: dt.date = DAY, account: str = "1"
    ) -> None:
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
        self.landing.write_day(
            report, f"act_{account}", day, [(json.dumps(row).encode(), batch) for row in rows], request={}, run_id="r",
            backfill_id="b", now=at,
        )


def everything(land: Landed) -> None:
    for account, zone in (("1", "Pacific/Auckland"), ("2", "America/Los_Angeles"), ("3", "Nowhere/Land")):
        land("accounts", {"id": f"act_{account}", "account_id": account, "timezone_name": zone}, day=SNAPSHOT_DAY,
             account=account)
        land("account_insights", {"account_id": account, "impressions": "10", "spend": "1"}, at=AFTER, account=account)
    purchases = [
        {"action_type": "brand_new", "value": "4", "7d_click": "3"}, {"action_type": "purchase", "value": "2", "7d_click": "1"},
        {"action_type": "offsite_conversion.fb_pixel_purchase", "value": "1"},
        {"action_type": "offsite_conversion.custom.77", "value": "5"},
    ]
    restated = {**AD, "impressions": "12", "actions": purchases,
                "action_values": [{"action_type": "brand_new", "value": "99.5"}, {"action_type": "purchase", "value": "20"}]}
    land("custom_conversions", {"id": "77", "name": "Trial begun"}, day=SNAPSHOT_DAY)
    land("ad_insights", AD, at=BEFORE)
    land("ad_insights", at=AFTER)
    land("ad_insights", restated, at=LATER)
    land("ad_insights", {**AD, "ad_id": "B"}, at=BEFORE, day=DAY + dt.timedelta(days=1))
    land("ad_insights_by_placement",
         {**AD, "publisher_platform": "instagram", "platform_position": "instagram_reels"},
         {**AD, "publisher_platform": "facebook", "platform_position": "feed"}, AD, at=BEFORE)
    land("ad_insights_by_product", {**AD, "product_id": "7"}, AD)
    genders: list[dict[str, str]] = [{"gender": gender} for gender in ("female", "male", "unknown")]
    land("ad_insights_by_demographics", *({**AD, "age": "18-24", **gender} for gender in [*genders, {}]))
    land("ad_insights_by_impression_device")
    for at in (BEFORE, LATER):  # the same at the second read, which is after the day's end
        land("ad_insights_by_country", {**AD, "country": "NZ"}, at=at)
    reach = {"account_id": "1", "date_start": "2026-11-14", "date_stop": "2026-11-20", "impressions": "50", "reach": "9"}
    land("account_reach_7d", reach)
    land("account_reach_month", {**reach, "date_start": "2026-11-01"})
    land("account_reach_month", {**reach, "date_start": "2026-10-01"}, day=dt.date(2026, 10, 31))
    land("campaign_reach_28d", {**reach, "campaign_id": "C", "date_start": "2026-10-24"}, at=BEFORE)
    land("campaign_insights", {"account_id": "1", "campaign_id": "C", "impressions": "12", "shiny": "1"})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("marts")
    land = Landed(path)
    everything(land)
    warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(land.engine, now=LATER)
    dbt_builds.build(warehouse.file)
    return warehouse.file


@pytest.fixture
def sql(built: Path) -> Query:
    def query(text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(built), read_only=True) as connection:
            return connection.execute(f"set timezone = 'UTC'; {text}").fetchall()

    return query


def test_rows_that_were_read_before_the_wider_fields_have_null_and_not_0(sql: Query) -> None:
    columns = "outbound_clicks, unique_clicks_all, unique_link_clicks, unique_outbound_clicks, quality_ranking"
    assert set(sql(f"select {columns} from marts.facebook_ads__ad_report")) == {(None,) * 5}
    counts = "video_plays, video_thruplays, video_p25, video_p100"
    for table in ("int_ad_days", "int_ad_days_by_placement"):
        assert set(sql(f"select {counts}, video_views_3s from intermediate.{table}")) == {(None, None, None, None, 0)}
    assert sql("select count(*) from marts.facebook_ads__video_report") == [(0,)]


def test_a_day_is_provisional_until_it_has_ended_on_its_own_accounts_calendar(sql: Query) -> None:
    # The third account's time zone is invalid: its day ends when it has ended everywhere.
    assert sql("select account_id, is_provisional from marts.facebook_ads__account_report order by 1") == [
        ("1", False), ("2", True), ("3", True)
    ]
    assert sql("select ad_id, is_provisional from marts.facebook_ads__ad_report order by 1") == [
        ("A", False), ("B", True)
    ]
    assert set(sql("select is_provisional from marts.facebook_ads__placement_report")) == {(True,)}
    assert set(sql("select is_provisional from marts.facebook_ads__product_report")) == {(False,)}
    assert sql("select is_provisional, _fetched_at from marts.facebook_ads__country_report, raw_meta_ads.ad_insights_by_country") == [
        (False, BEFORE)
    ]
    assert sql("select date_day, is_provisional from marts.facebook_ads__campaign_report order by 1") == [
        (DAY, False), (DAY + dt.timedelta(days=1), True)
    ]


def test_a_version_without_a_row_ends_the_one_before_it(sql: Query) -> None:
    spans = "select valid_from, valid_to, is_current, {} from marts.facebook_ads__{} where date_day = '2026-11-20'"
    result_rows = sql(spans.format("rows_read, impressions, spend", "restatement_report") + " and report = 'ad_insights' order by 1")

    assert result_rows == [
        (BEFORE, AFTER, False, 1, 10, Decimal("2.5")), (AFTER, LATER, False, 0, 0, Decimal(0)),
        (LATER, None, True, 1, 12, Decimal("2.5")),
    ]
    assert sql(spans.format("ad_id, impressions", "ad_report_history") + " order by 1") == [
        (BEFORE, AFTER, False, "A", 10), (LATER, None, True, "A", 12)
    ]


def test_every_report_has_its_earlier_versions(sql: Query) -> None:
    reports = {row[0] for row in sql("select distinct report from marts.facebook_ads__restatement_report")}

    assert {"account_insights", "ad_insights", "ad_insights_by_placement", "account_reach_7d"} <= reports


def test_reach_is_complete_only_when_its_window_is(sql: Query) -> None:
    assert sql(
        "select grain, campaign_id, date_day, window_start, reach, is_complete from marts.facebook_ads__reach_report "
        "order by grain, date_day"
    ) == [
        ("28 days", "C", DAY, dt.date(2026, 10, 24), 9, False),
        ("7 days", None, DAY, dt.date(2026, 11, 14), 9, True),
        ("month", None, dt.date(2026, 10, 31), dt.date(2026, 10, 1), 9, True),
        ("month", None, DAY, dt.date(2026, 11, 1), 9, False),
    ]


def test_reels_are_placements(sql: Query) -> None:
    assert sql("select platform_position, impressions, clicks from marts.facebook_ads__reels_report") == [
        ("instagram_reels", 10, 3)
    ]


def test_every_action_type_has_its_rows_with_every_window(sql: Query) -> None:
    assert sql(
        "select action_type, value, value_7d_click, value_1d_view, action_value from marts.facebook_ads__action_report "
        "order by 1"
    ) == [
        ("brand_new", Decimal(4), Decimal(3), None, Decimal("99.5")),
        ("offsite_conversion.custom.77", Decimal(5), None, None, None),
        ("offsite_conversion.fb_pixel_purchase", Decimal(1), None, None, None),
        ("purchase", Decimal(2), Decimal(1), None, Decimal(20)),
    ]


def test_breakdowns_are_compared_on_days_that_had_ended_when_they_were_read(sql: Query) -> None:
    failures = sql("select report from marts.fct_check_failures where check_name = 'breakdown_adds_up' order by 1")

    assert failures == [("ad_insights_by_country",), ("ad_insights_by_demographics",)]  # placements: not ended


def test_coverage_has_unknown_rows_and_empty_reports(sql: Query) -> None:
    result_rows = "select rows_read, unknown_rows, is_empty, has_delivery from marts.fct_report_coverage where report = '{}' " \
        "and account_id = '1' and date_day = '2026-11-20'"

    assert sql(result_rows.format("ad_insights_by_placement")) == [(3, 1, False, True)]
    assert sql(result_rows.format("ad_insights_by_impression_device")) == [(0, 0, True, True)]
    assert sql("select product_id from marts.facebook_ads__product_report order by 1") == [("7",), ("unknown",)]


def test_rows_without_a_value_and_rows_that_meta_calls_unknown_are_one_row(sql: Query) -> None:
    assert sql("select gender, impressions, clicks_all, spend from marts.facebook_ads__demographics_report order by 1") == [
        ("female", 10, 4, Decimal("2.5")), ("male", 10, 4, Decimal("2.5")), ("unknown", 20, 8, Decimal(5))
    ]


def test_drift_is_counted_by_report_and_key(sql: Query) -> None:
    assert sql("select * from marts.fct_drift") == [("campaign_insights", "shiny", DAY, DAY, 1, 1)]


def test_an_empty_gated_report_is_reported_with_what_to_do(built: Path) -> None:
    result_rows = coverage.empty_gates(str(built), REPORTS)

    assert len(result_rows) == 1
    assert "ad_insights_by_impression_device of account 1 is empty on 1 day(s) with delivery" in result_rows[0]
    assert "ask the advertiser" in result_rows[0]


def test_drift_and_unknown_values_are_listed(built: Path) -> None:
    day = str(DAY)

    assert coverage.drift(str(built)) == [
        {"report": "campaign_insights", "key": "shiny", "first_day": day, "last_day": day, "rows": 1}
    ]
    assert coverage.unknown(str(built)) == [
        {"report": "ad_insights_by_demographics", "unknown_rows": 1, "rows": 4},
        {"report": "ad_insights_by_placement", "unknown_rows": 1, "rows": 3},
        {"report": "ad_insights_by_product", "unknown_rows": 1, "rows": 2},
    ]


def test_a_group_of_conversions_is_its_first_action_type_in_every_window_and_custom_conversions_have_their_names(
    sql: Query,
) -> None:
    every = sql(
        "select conversion_group, conversion_name, action_type, attribution_window, conversions, conversions_value "
        "from marts.facebook_ads__conversions_report order by all"
    )
    of_ad = sql("select purchases, purchases_value, cost_per_purchases, leads from marts.facebook_ads__ad_report where ad_id = 'A'")

    custom = ("custom_conversions", "Trial begun", "offsite_conversion.custom.77", "default", Decimal(5), None)
    purchases = ("purchases", "purchases", "purchase")
    assert [custom, (*purchases, "7d_click", Decimal(1), None), (*purchases, "default", Decimal(2), Decimal(20))] == every
    assert [(Decimal(2), Decimal(20), Decimal("1.25"), Decimal(0))] == of_ad


BROKEN = {  # by generic test and model: columns that are replaced
    ("primary_key", "facebook_ads__restatement_report"): (
        "null as rows_read", "cast(null as varchar) as report", "'ad_insights' as report, timestamptz '2026-11-20' as valid_from"),
    ("unique_grain", "facebook_ads__reach_report"): (
        "null as window_start", "date '2026-11-20' as date_day, '7 days' as grain, null as campaign_id"),
}


@pytest.mark.parametrize(("test", "model"), BROKEN)
def test_a_test_of_a_grain_finds_null_and_doubled_rows(built: Path, tmp_path: Path, test: str, model: str) -> None:
    file, builds = tmp_path / "warehouse.duckdb", DbtBuilds(tmp_path)
    shutil.copyfile(built, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create table good as from marts.{model}")
        kind = "view" if model.endswith("reach_report") else "table"
        connection.execute(f"drop {kind} marts.{model}")

    statuses = []
    for columns in ("true as is_good", *BROKEN[test, model]):
        selected = "*" if "is_good" in columns else f"* replace ({columns})"
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                f"create or replace table marts.{model} as select {selected} from good;"
                "update raw_meta_pipeline.model_builds set tested_to = null")  # all rows are tested
        builds.run(file, "test", "--select", f"{model},test_name:{test}")
        results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
        statuses.append((results[0]["status"], results[0]["failures"] > 0))
    assert statuses == [("pass", False), *[("warn", True) for _ in BROKEN[test, model]]]
