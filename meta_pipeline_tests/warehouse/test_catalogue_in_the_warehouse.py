"""Raw tables follow the catalogue, an older warehouse is upgraded, and drift and all versions of days are recorded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from meta_pipeline.extract.ads.catalogue.report_file import parse_catalogue
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.warehouse.place import DAY, NOW, Place

HOUR = dt.timedelta(hours=1)
MINE = """
[reports.select]
level = "ad"
fields = ["account_id", "ad_id", "impressions", "outbound_clicks", "quality_ranking", "results"]
breakdowns = ["publisher_platform", "platform_position"]
windows = ["7d_click", "1d_ev"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_every_report_has_a_table_with_its_fields_and_breakdowns(place: Place) -> None:
    place.load()
    for report in REPORTS.values():
        for table in (report.name, f"{report.name}_versions"):
            columns = {row[0] for row in place.rows(f"describe raw_meta_ads.{table}")}
            assert {*report.fields, *report.breakdowns, "payload", "node_id", "day", "_fetched_at"} <= columns


def test_a_custom_report_has_a_table_even_if_its_name_is_a_sql_keyword(place: Place) -> None:
    place.warehouse = Warehouse(place.path, insights_tables(parse_catalogue(MINE, source="r").values()))
    clicks = [{"action_type": "outbound_click", "value": 7, "1d_ev": "2"}]
    results = [{"indicator": "x", "values": [{"value": "3"}]}]
    place.land({"ad_id": 1, "outbound_clicks": clicks, "results": results}, report="select")
    place.load()
    ad_id, actions, results = place.rows('select ad_id, outbound_clicks, results from raw_meta_ads."select"')[0]

    assert (ad_id, actions[0]["value"], actions[0]["1d_ev"]) == ("1", "7", "2")
    assert "indicator" in results


def test_numbers_instead_of_strings_are_read(place: Place) -> None:
    actions = [{"action_type": "purchase", "value": 4, "7d_click": 2.5}]
    place.land({"ad_id": 120210000000000001, "spend": 19.544921, "impressions": 5, "actions": actions})
    place.load()
    ad_id, spend, impressions, of_mine = place.rows(
        "select ad_id, spend, impressions, actions from raw_meta_ads.ad_insights"
    )[0]

    assert (ad_id, spend, impressions) == ("120210000000000001", "19.544921", "5")
    assert (of_mine[0]["value"], of_mine[0]["7d_click"]) == ("4", "2.5")
    assert place.versions()[0][2:] == (1, 5, Decimal("19.544921"))


def test_an_older_warehouse_gains_columns_filled_from_the_payload(place: Place) -> None:
    place.land({"ad_id": "1", "reach": "7", "actions": [{"action_type": "x", "value": "1", "28d_click": "9"}]})
    place.load()
    with duckdb.connect(str(place.path)) as older:
        older.execute("alter table raw_meta_ads.ad_insights drop column reach")
        older.execute("alter table raw_meta_ads.ad_insights drop column actions")
        older.execute("alter table raw_meta_ads.ad_insights add column actions struct(action_type varchar)[]")
        older.execute("alter table raw_meta_ads.ad_insights add column of_mine varchar")
    place.land({"ad_id": "2", "reach": "8"}, day=DAY + dt.timedelta(days=1))
    place.load()
    rows = place.rows("select ad_id, reach, actions, of_mine from raw_meta_ads.ad_insights order by ad_id")

    assert [row[:2] for row in rows] == [("1", "7"), ("2", "8")]
    assert rows[0][2][0]["28d_click"] == "9"
    assert rows[0][3] is None


def test_unknown_keys_are_counted_once_a_row_and_stay_in_the_payload(place: Place) -> None:
    odd = {"action_type": "brand_new_type", "value": "4", "28d_view": "3", "dda": "1"}
    place.land({"ad_id": "1", "shiny": 1, "actions": [odd, odd]}, {"ad_id": "2", "shiny": 2}, {"ad_id": "3"})
    place.land({"ad_id": "1", "shiny": 3}, day=DAY + dt.timedelta(days=1))
    place.load()
    counted = "select day, key, rows from raw_meta_pipeline.drift order by day, key"
    first = [(DAY, "actions.28d_view", 1), (DAY, "actions.dda", 1), (DAY, "shiny", 2)]

    assert place.rows(counted) == [*first, (DAY + dt.timedelta(days=1), "shiny", 1)]
    assert place.rows(
        "select count(*) from raw_meta_ads.ad_insights, unnest(actions) where unnest.action_type = 'brand_new_type'"
    ) == [(2,)]
    place.land({"ad_id": "1"}, day=DAY + dt.timedelta(days=1), at=NOW + HOUR)
    place.load()
    assert place.rows(counted) == first


def test_no_requested_field_is_drift(place: Place) -> None:
    for report in REPORTS.values():
        row: dict[str, object] = dict.fromkeys(report.columns, "1")
        row |= {name: [dict.fromkeys(("action_type", "value", *report.windows), "1")] for name in report.actions}
        place.land(row, report=report.name)
    place.load()

    assert place.rows("select * from raw_meta_pipeline.drift") == []


def test_every_version_of_a_day_is_recorded_with_its_totals_even_without_rows(place: Place) -> None:
    row = {"account_id": "1", "impressions": "5", "spend": "1.5"}
    later, last = NOW + HOUR, NOW + 2 * HOUR
    place.land(row, report="account_insights")
    place.land(report="account_insights", at=later)
    place.land({**row, "spend": "2"}, report="account_insights", at=last)
    place.load()
    expected = [
        (NOW, later, 1, 5, Decimal("1.500000")), (later, last, 0, 0, Decimal(0)), (last, None, 1, 5, Decimal(2)),
    ]

    assert place.versions("account_insights") == expected
    assert place.rows("select spend, _landed_at, _replaced_at from raw_meta_ads.account_insights_versions") == [
        ("1.5", NOW, later)
    ]
    place.load()
    assert place.versions("account_insights") == expected


def test_a_version_that_is_replaced_between_two_loads_gets_its_end(place: Place) -> None:
    place.land({"ad_id": "1", "impressions": "5"})
    place.load()
    assert place.versions(names="rows, impressions") == [(NOW, None, 1, 5)]
    place.land({"ad_id": "1", "impressions": "6"}, {"ad_id": "2", "impressions": "1"}, at=NOW + HOUR)
    place.load()

    assert place.versions(names="rows, impressions") == [(NOW, NOW + HOUR, 1, 5), (NOW + HOUR, None, 2, 7)]


def test_a_day_that_is_read_again_unchanged_gets_a_new_read_time(place: Place) -> None:
    place.land({"ad_id": "1"})
    place.load()
    place.land({"ad_id": "1"}, at=NOW + HOUR)
    assert place.load() == 0

    assert place.rows("select landed_at, read_at from raw_meta_pipeline.day_versions") == [(NOW, NOW + HOUR)]


def test_absent_values_of_a_breakdown_are_counted_and_figures_that_are_not_requested_are_null(place: Place) -> None:
    place.land({"ad_id": "1", "age": "18-24"}, {"ad_id": "1", "age": "65+", "gender": "unknown"},
               report="ad_insights_by_demographics")
    place.land({"account_id": "1", "reach": "4", "impressions": "8"}, report="account_reach_7d")
    place.load()

    assert place.versions("ad_insights_by_demographics", "rows, unknown_rows") == [(NOW, None, 2, 1)]
    assert place.versions("account_reach_7d", "unknown_rows, impressions, spend") == [(NOW, None, 0, 8, None)]


def test_versions_of_an_older_warehouse_are_identified_by_their_end(place: Place) -> None:
    place.land({"ad_id": "1", "impressions": "5"})
    place.land({"ad_id": "1", "impressions": "6"}, at=NOW + HOUR)
    place.load()
    with duckdb.connect(str(place.path)) as older:
        older.execute("alter table raw_meta_ads.ad_insights_versions drop column _landed_at")
        older.execute("drop table raw_meta_pipeline.day_versions")
    place.load()

    assert place.versions(names="impressions") == [(NOW, NOW + HOUR, 5), (NOW + HOUR, None, 6)]


def test_after_a_kill_while_a_version_was_stored_the_day_is_recorded_once(place: Place) -> None:
    place.land({"ad_id": "1", "impressions": "5"})
    file = Path(place.landing.location("ad_insights", "act_1", DAY))
    from meta_pipeline.store.landed import day_versions, ledger
    before = ledger.find(place.engine, report="ad_insights", node_id="act_1", day=DAY)
    assert before and file.exists()
    day_versions.record(place.engine, before)
    place.load()

    assert place.versions(names="impressions") == [(NOW, None, 5)]


def test_files_of_a_report_that_left_the_catalogue_wait_until_it_is_back(place: Place) -> None:
    place.land({"ad_id": "1"}, report="select")
    assert place.load() == 0
    place.warehouse = Warehouse(place.path, insights_tables(parse_catalogue(MINE, source="r").values()))
    assert place.load() == 1
