"""The marts of Pages and Instagram, from a few days of records that are written by hand."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.dbt import dbt_builds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.publish.publish import publish
from meta_pipeline.records import SNAPSHOT_DAY, Batch
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.fakes.social_records import INSTAGRAM, PAGE, Record, day, encoded, landed, seen_at

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
BUILDABLE = ("--indirect-selection", "buildable", "--select")
MODELS = (
    "path:models/staging/meta_pages+ path:models/staging/instagram+ +social__organic_and_paid +fct_metric_availability "
    "stg_meta_pipeline__created_objects "
    "+fct_report_coverage +account_status"
)
# Checks of an ad account depend on the machine's date: they begin when Meta no longer changes a day.
OF_NODES = f"severity = 'error' and account_id in ('{PAGE}', '{INSTAGRAM}')"
HOLD = PublishPolicy(holds_failed=True)
Query = Callable[[str], list[tuple[Any, ...]]]


def load(folder: Path, *more: tuple[str, str, dt.date, list[Record]]) -> Path:
    """Land and load all records, and link the nodes; return the warehouse's file."""
    engine = open_store(f"sqlite:///{folder / 'control.sqlite'}")
    landing = Landing(str(folder / "landing"), engine)
    for report, node_id, date, records in (*landed(), *more):
        at = NOW if date == SNAPSHOT_DAY else seen_at(date)
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
        landing.write_day(
            report, node_id, date, [(encoded(record), batch) for record in records], request={}, run_id="r",
            backfill_id="b", now=at,
        )
    warehouse = Warehouse(folder / "warehouse.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(engine, now=NOW)
    with warehouse.open() as connection:
        for node_id, kind, name in ((PAGE, "page", "Northwind"), (INSTAGRAM, "instagram_account", "northwind.insta")):
            connection.execute(
                "insert into raw_meta_pipeline.nodes (node_id, kind, name, timezone) values (?, ?, ?, 'America/Los_Angeles')",
                [node_id, kind, name])
        for node_id, kind, object_id in ((PAGE, "page_post", f"{PAGE}_3"), (INSTAGRAM, "instagram_media", "33"), (INSTAGRAM, "instagram_story", "43")):
            connection.execute("insert into raw_meta_pipeline.created_objects values (?, ?, ?, 'plan')", [node_id, kind, object_id])
        connection.execute(
            "insert into raw_meta_pipeline.metric_availability (node_id, report, applies_to, metric, requested_at, "
            "dead_since, reason) values (?, 'page_insights', '', 'page_fans', ?, ?, '(100)')", [PAGE, NOW, NOW])
    return warehouse.file


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = load(tmp_path_factory.mktemp("social"))
    dbt_builds.build(warehouse, *BUILDABLE, MODELS)
    return warehouse


@pytest.fixture
def sql(built: Path) -> Query:
    def query(text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(built), read_only=True) as connection:
            return connection.execute(f"set timezone = 'UTC'; {text}").fetchall()

    return query


def at(number: int, hour: int = 20) -> dt.datetime:
    return dt.datetime(2026, 11, number, hour, tzinfo=dt.UTC)


def test_a_pages_day_has_every_metric_in_fivetrans_columns(sql: Query) -> None:
    assert sql("select * exclude (date_day, page_id, page_name) from marts.facebook_pages__pages_report order by date_day limit 1") == [
        (100, 80, 40, 60, 9, 8, 7, 6, Decimal("12.345"), 5, 4, 3, 2, 1, 5, None, None, 11, None, None)]


def test_a_part_that_meta_left_out_is_0_only_if_the_other_part_is_the_total(sql: Query) -> None:
    rows = sql("select date_day, media_views, media_views_organic, media_views_from_ads, follows, page_name "
               "from marts.facebook_pages__pages_report order by date_day")

    assert rows[1:] == [
        (day(1), 50, 50, 0, None, "Northwind"), (day(2), 50, 20, None, None, "Northwind"), (day(3), 0, 0, 0, None, "Northwind"),
        (day(4), None, None, None, 5, "Northwind")]


def test_a_pages_day_is_provisional_until_it_has_ended_in_pacific_time(sql: Query) -> None:
    assert sql("select date_day, is_provisional, is_empty from marts.fct_report_coverage where report = 'page_insights' "
               "and date_day >= '2026-11-04' order by 1") == [(day(4), True, False), (day(5), False, True)]


def test_an_audience_is_the_newest_value_of_each_city_and_country(sql: Query) -> None:
    assert sql("select page_id, date_day, dimension, value, followers from marts.facebook_pages__audience order by dimension, value") == [
        (PAGE, day(1), "city", "Berlin, Germany", 12), (PAGE, day(1), "city", "Köln", 3), (PAGE, day(1), "country", "DE", 15)]


def test_a_posts_snapshots_are_the_days_with_metrics_and_no_post_is_missing(sql: Query) -> None:
    rows = sql("select post_id, date_day, post_message, media_views, media_views_unique, clicks, likes, reactions_total, "
               "video_views, video_views_15s, video_avg_time_watched, is_most_recent_record "
               "from marts.facebook_pages__posts_report order by post_id, date_day")

    assert rows == [
        ("11_1", day(1), "second", 10, None, 2, 1, 2, None, None, None, False),
        ("11_1", day(8), "second", 12, None, None, None, None, None, None, None, True),
        ("11_2", day(2), "no metric", None, None, None, None, None, None, None, None, True),
        ("11_3", day(1), "video", 7, 6, None, None, 0, 4, 0, Decimal("2.5"), True),
        ("11_4", day(9), None, None, None, None, None, None, None, None, None, True)]


def test_edited_and_deleted_posts_keep_their_history(sql: Query) -> None:
    rows = sql("select post_id, post_message, is_deleted, valid_from, valid_to, is_current, deleted_seen_at from marts.dim_posts "
               "where post_id in ('11_1', '11_4') order by post_id, valid_from")

    assert rows == [
        ("11_1", "first", False, at(1, 10), at(2, 9), False, None),
        ("11_1", "second", False, at(2, 9), at(9), False, None),
        ("11_1", "second", True, at(9), None, True, at(9)),
        ("11_4", None, True, at(9), None, True, at(9))]


def test_posts_that_a_plan_published_are_ours(sql: Query) -> None:
    assert sql("select distinct post_id from marts.dim_posts where is_ours") == [("11_3",)]
    assert sql("select post_id from marts.instagram_business__posts where is_ours order by 1") == [("33",), ("43",)]
    assert sql("select media_id, is_ours from marts.instagram_business__stories where media_id in ('41', '43') order by 1") == [
        ("41", False), ("43", True)]


def test_an_instagram_day_without_a_value_is_null_and_parts_of_people_are_not_added(sql: Query) -> None:
    rows = sql("select * exclude (instagram_account_id) from marts.instagram_business__accounts_report order by date_day")
    name, nothing = "northwind.insta", (None,) * 16

    assert rows == [
        (day(1), name, 90, 95, 1, 2, 3, 4, 5, 6, 7, 8, 5, 2, 9, 10, 11, 6),
        (day(2), name, *nothing), (day(3), name, 7, *nothing[:9], 4, *nothing[:5])]


def test_demographics_are_whole_combinations(sql: Query) -> None:
    assert sql("select metric, timeframe, age, gender, country, city, value from marts.instagram_business__demographics order by all") == [
        ("engaged_audience_demographics", "this_month", None, None, "DE", None, 4),
        ("follower_demographics", None, "18-24", "F", None, None, 3),
        ("follower_demographics", None, "18-24", "U", None, None, 1),
        ("follower_demographics", None, None, None, None, "Berlin, Berlin", 2)]


def test_every_media_and_story_has_its_latest_values_by_kind(sql: Query) -> None:
    rows = sql("select post_id, date_day, is_story, is_deleted, like_count, views, total_views, reach, likes, total_likes, "
               "ig_reels_avg_watch_time, ig_reels_video_view_total_time, video_photo_engagement, video_photo_views, reel_views, "
               "reel_reach, carousel_album_views, story_reach, story_exits, post_caption "
               "from marts.instagram_business__posts order by post_id")
    none: tuple[None, ...] = (None,) * 9

    assert rows == [
        ("31", day(3), False, True, 8, 10, None, 6, None, None, None, None, None, 10, *none[:5], "caption 31"),
        ("32", day(1), False, False, 3, None, None, 5, None, None, None, None, 2, *none[:6], "caption 32"),
        ("33", day(1), False, False, 3, 20, None, 8, 4, None, Decimal("2.345"), Decimal("46.9"), None, None, 20, 8, None,
         None, None, "caption 33"),
        ("34", day(1), False, False, 3, 7, None, 6, *none[:8], 7, None, None, "caption 34"),
        ("35", day(2), False, False, 3, *none, None, None, None, None, None, "caption 35"),
        ("41", day(3), True, False, 3, 8, None, 7, *none, 7, 4, "caption 41"),
        ("42", day(2), True, False, 3, *none, None, None, None, None, None, "caption 42"),
        ("43", day(1), True, False, 3, None, None, 5, *none, 5, None, "caption 43"),
            ("44", day(2), True, False, None, None, None, 9, *none, 9, 2, None)]


def test_the_history_of_a_media_has_each_snapshot(sql: Query) -> None:
    rows = sql("select date_day, views, total_views, like_count, comment_count, total_interactions, is_most_recent_record "
               "from marts.instagram_business__posts_history where post_id = '31' order by 1")

    assert rows == [(day(1), 9, 12, 3, 1, 6, False), (day(3), 10, None, None, None, None, True)]


def test_an_ended_story_has_what_a_webhook_reported_or_keeps_its_last_values(sql: Query) -> None:
    rows = sql("select media_id, username, date_day, ended_at, reach, views, replies, shares, total_interactions, exits, "
               "taps_back, taps_forward, swipes_forward, insights_error, figures_from, is_webhook_lost from marts.instagram_business__stories order by 1")
    reason = "(10) Not enough viewers for the media to show insights"

    assert rows == [
        ("41", "northwind", day(3), at(2, 10), 7, 8, 2, 0, 1, 4, 1, 6, None, None, "webhook", False),
        ("42", "northwind", day(2), at(2, 10), *(None,) * 9, reason, None, False),
        ("43", "northwind", day(1), at(2, 10), 5, *(None,) * 9, "poll", True),
        ("44", "northwind.insta", day(2), at(2, 10), 9, None, None, None, None, 2, *(None,) * 4, "webhook", False)]


def test_organic_days_are_beside_the_ads_of_the_page_and_amounts_of_two_currencies_are_not_added(sql: Query) -> None:
    rows = sql("select page_id, date_day, page_name, media_views_organic, post_engagements, ads, currencies, currency, spend, "
               "impressions, clicks, clicks_all, link_clicks from marts.social__organic_and_paid order by page_id, date_day")
    paid: tuple[Any, ...] = (1, 1, "USD", Decimal("1.5"), 100, 3, 5, 3)
    unpaid: tuple[Any, ...] = (0, 0, *(None,) * 6)

    assert rows == [
        (PAGE, day(31, 10), "Northwind", 60, 9, *paid),
        (PAGE, day(1), "Northwind", 50, None, 2, 2, None, None, 200, 6, 10, 6),
        (PAGE, day(2), "Northwind", 20, None, *unpaid), (PAGE, day(3), "Northwind", 0, None, *unpaid),
        (PAGE, day(4), "Northwind", None, None, *unpaid),
        ("12", day(6), None, None, None, 1, 1, "USD", Decimal(4), 100, 3, 5, 3)]


def test_the_availability_of_a_metric_has_its_nodes_name(sql: Query) -> None:
    assert sql("select node_name, kind, report, metric, answered_at, dead_since, reason from marts.fct_metric_availability") == [
        ("Northwind", "page", "page_insights", "page_fans", None, NOW, "(100)")]


LOST: dict[str, Record] = {
    "page_insights": {"name": "page_media_view", "period": "day", "value": [1], "end_time": "2026-11-08T08:00:00+0000"},
    "page_audience": {"name": "page_follows_city", "value": {"Berlin": "many"}, "end_time": "2026-11-08T08:00:00+0000"},
    "page_posts": {"id": "11_9", "created_time": "yesterday"},
    "instagram_insights": {"name": "views", "period": "day", "total_value": {"breakdowns": [
        {"dimension_keys": ["follow_type"], "results": [{"dimension_values": ["FOLLOWER"], "value": "some"}]}]}},
    "instagram_demographics": {"name": "follower_demographics", "total_value": "none"},
    "instagram_media": {"id": "39", "insights": [{"name": "views", "period": "lifetime", "values": [{"value": "many"}]}]},
    "instagram_stories": {"id": "49", "ended_at": "soon"},
}


def test_a_value_that_a_cast_loses_stops_no_build_and_marks_its_node(tmp_path: Path) -> None:
    date = day(7)
    node = {name: PAGE if name.startswith("page") else INSTAGRAM for name in LOST}
    warehouse = load(tmp_path, *((name, node[name], date, [record]) for name, record in LOST.items()))
    dbt_builds.build(warehouse, *BUILDABLE, "+account_status")

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        failures = connection.execute(
            f"select account_id, report, date_day, check_name from marts.fct_check_failures where {OF_NODES}").fetchall()
        status = connection.execute("select node_id, failed_checks from marts.account_status order by 1").fetchall()
    assert sorted(failures) == sorted((node[name], name, date, "lost_value") for name in LOST)
    assert status == [(PAGE, 3), (INSTAGRAM, 4)]


def test_valid_records_fail_no_check(sql: Query) -> None:
    assert sql("select * from marts.fct_check_failures where account_id in ('11', '21')") == []


def test_only_the_page_that_fails_a_check_keeps_its_last_good_rows(built: Path, tmp_path: Path) -> None:
    file, published = tmp_path / "warehouse.duckdb", str(tmp_path / "published" / "warehouse.duckdb")
    shutil.copyfile(built, file)
    publish(file, published, now=NOW, policy=HOLD)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "update raw_meta_pipeline.warehouse_state set loads = loads + 1;"
            "update raw_meta_pages.page_insights set value = '77' where name = 'page_follows';"
            "insert into raw_meta_pages.page_insights from raw_meta_pages.page_insights where day = '2026-11-02';"
            "update raw_instagram.instagram_insights set value = '66' where name = 'follower_count';"
            "insert into raw_meta_pipeline.changes select distinct report, node_id, day, loads from raw_meta_pipeline.warehouse_state, "
            "(select 'page_insights' as report, node_id, day from raw_meta_pages.page_insights "
            "union all select 'instagram_insights', node_id, day from raw_instagram.instagram_insights)")
    dbt_builds.build(file, *BUILDABLE, MODELS)
    publish(file, published, now=NOW + dt.timedelta(hours=1), policy=HOLD)

    with duckdb.connect(published, read_only=True) as connection:
        def rows(text: str) -> list[tuple[Any, ...]]:
            return connection.execute(text).fetchall()

        failures = f"select check_name, report, account_id, date_day from marts.fct_check_failures where {OF_NODES}"
        assert rows(f"{failures} order by 1") == [
            ("doubled_rows", "page_insights", PAGE, day(2)), ("rows_of_ledger", "page_insights", PAGE, day(2))]
        assert rows("select node_id, failed_checks, is_held_back from marts.account_status order by 1") == [
            (PAGE, 2, True), (INSTAGRAM, 0, False)]
        assert rows("select distinct follows from marts.facebook_pages__pages_report where follows > 0") == [(5,)]
        assert rows("select distinct follower_count from marts.instagram_business__accounts_report where follower_count > 0"
                    ) == [(66,)]
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("select max(follows) from marts.facebook_pages__pages_report").fetchall() == [(77,)]
