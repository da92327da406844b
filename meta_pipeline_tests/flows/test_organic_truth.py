"""Every metric, node and day of Pages and Instagram accounts that landed is the sandbox's own value."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest

from harness import organic_truth as truth
from harness.organic import INSTAGRAM_ACCOUNTS, PAGE, PAGES, Organic
from meta_pipeline.extract.metrics.built_in import METRICS
from meta_pipeline.extract.metrics.metric import Registry

END_OF_SUMMER_TIME, START_OF_SUMMER_TIME = dt.date(2026, 11, 1), dt.date(2026, 3, 8)


@pytest.fixture(scope="module")
def sixty_days(tmp_path_factory: pytest.TempPathFactory) -> Organic:
    """Everything of all nodes, over sixty days with the end of summer time in Los Angeles."""
    organic = Organic(tmp_path_factory.mktemp("organic"))
    days = organic.days(60)
    assert END_OF_SUMMER_TIME in days
    organic.land(PAGES, "page_insights page_audience page_posts", days)
    organic.land(
        INSTAGRAM_ACCOUNTS, "instagram_insights instagram_demographics instagram_media instagram_stories", days
    )
    organic.load()
    return organic


def test_every_page_metric_and_day_is_exact(sixty_days: Organic) -> None:
    expected = truth.true_page_insights(sixty_days, sixty_days.days(60))

    assert truth.landed_page_insights(sixty_days) == expected
    assert len(expected) > 2_500


def test_every_instagram_metric_and_day_is_exact(sixty_days: Organic) -> None:
    expected = truth.true_instagram_insights(sixty_days, sixty_days.days(60))

    assert truth.landed_instagram_insights(sixty_days) == expected
    followers = {(account, day) for account, day, metric, *_ in expected if metric == "follower_count"}
    assert {day for _, day in followers} <= {str(day) for day in sixty_days.days(30)}
    assert len(expected) > 3_000 and len(followers) > 80


def test_the_audience_of_every_page_is_exact(sixty_days: Organic) -> None:
    landed = {
        (row["node_id"], row["name"], place, followers)
        for row in sixty_days.sql("select * from raw_meta_pages.page_audience")
        for place, followers in json.loads(row["value"]).items()
    }

    expected = sixty_days.truth("pages", sixty_days.days(1))["page_audience"]
    assert landed == {(row["page_id"], row["metric"], row["value"], row["followers"]) for row in expected}
    assert len(landed) > 50


def test_every_combination_of_demographics_is_exact(sixty_days: Organic) -> None:
    assert truth.landed_demographics(sixty_days) == truth.true_demographics(sixty_days) != set()


@pytest.mark.parametrize("report, table, text, least", [
    ("page_posts", "raw_meta_pages.page_posts", "message", 150),
    ("instagram_media", "raw_instagram.instagram_media", "caption", 300),
])
def test_every_post_and_media_is_there_with_exact_values(
    sixty_days: Organic, report: str, table: str, text: str, least: int
) -> None:
    assert truth.landed_objects(sixty_days, table, text) == truth.true_objects(sixty_days, report)
    lifetimes = truth.true_lifetimes(sixty_days, report)
    assert truth.landed_lifetimes(sixty_days, table) == lifetimes
    assert len({row[0] for row in lifetimes}) > least


def test_every_live_story_has_exact_values(sixty_days: Organic) -> None:
    stories = truth.true_lifetimes(sixty_days, "instagram_stories")
    live = {
        row["media_id"] for row in sixty_days.truth("instagram", [sixty_days.today - dt.timedelta(days=1),
        sixty_days.today], records="stories")["stories"] if row["ended_at"] is None
    }

    assert truth.landed_lifetimes(sixty_days, "raw_instagram.instagram_stories") == {
        row for row in stories if row[0] in live
    } != set()


def test_snapshots_land_under_the_day_on_which_they_are_taken(sixty_days: Organic) -> None:
    for table in ("raw_meta_pages.page_posts", "raw_meta_pages.page_audience", "raw_instagram.instagram_media",
                  "raw_instagram.instagram_demographics", "raw_instagram.instagram_stories"):
        assert [row["day"] for row in sixty_days.sql(f"select distinct day from {table}")] == [sixty_days.today]


def with_all_periods_and_metrics() -> Registry:
    """Return the registry with every live metric of Pages switched on, in each of its periods."""
    return Registry(
        dataclasses.replace(metric, is_default=True, default_periods=metric.periods)
        if metric.object == "page" and metric.periods and metric.report == "page_insights" else metric
        for metric in METRICS.values()
    )


def test_metrics_and_periods_that_are_switched_on_are_exact_too(tmp_path: Path) -> None:
    registry = with_all_periods_and_metrics()
    organic = Organic(tmp_path)
    days = organic.days(20)
    organic.land(PAGE, "page_insights", days, metrics=registry)
    organic.load()

    expected = truth.true_page_insights(organic, days, registry=registry, pages=[PAGE])
    assert {row[3] for row in expected} == {"day", "week", "days_28", "lifetime"}
    assert truth.landed_page_insights(organic) == expected


@pytest.mark.parametrize("last", [START_OF_SUMMER_TIME, END_OF_SUMMER_TIME])
@pytest.mark.parametrize("count", [1, 5, 90, 200])
def test_ranges_around_a_change_of_the_clocks_lose_no_day_and_have_none_twice(
    tmp_path: Path, last: dt.date, count: int
) -> None:
    organic = Organic(tmp_path)
    until = last + dt.timedelta(days=2 if count > 2 else 0)
    days = [until - dt.timedelta(days=n) for n in range(count)]
    landed = organic.land(PAGE, "page_insights", days)
    organic.load()

    assert {file.day for file in landed} == set(days) and all(file.rows for file in landed)
    assert truth.landed_page_insights(organic) == truth.true_page_insights(organic, days, pages=[PAGE])
    assert organic.cost.operations == 3 * -(-count // 90)


def test_late_days_converge_to_the_truth(tmp_path: Path) -> None:
    organic = Organic(tmp_path, page_late_days=2, instagram_late_hours=40)
    first = organic.days(5)
    provisional = set()
    for _ in range(4):
        days = [day for day in organic.days(8) if day >= first[0]]
        organic.land(PAGES, "page_insights", days)
        organic.land(INSTAGRAM_ACCOUNTS, "instagram_insights", days)
        organic.load()
        provisional |= truth.landed_page_insights(organic)
        assert truth.landed_page_insights(organic) == truth.true_page_insights(organic, days)
        assert truth.landed_instagram_insights(organic) == truth.true_instagram_insights(organic, days)
        organic.wait(days=1)

    final = truth.true_page_insights(organic, first)
    assert {row for row in truth.landed_page_insights(organic) if row[1] <= str(first[-1])} == final
    assert len({row for row in provisional if row[1] <= str(first[-1])}) > len(final)  # some values did change
