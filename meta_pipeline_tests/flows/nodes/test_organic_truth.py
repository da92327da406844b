"""Every metric, node and day of Pages and Instagram accounts that landed equals the sandbox's value."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest

from harness.nodes import organic_truth as truth
from harness.nodes.organic import INSTAGRAM_ACCOUNTS, PAGE, PAGES, Organic
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.registry.built_in import METRICS

END_OF_SUMMER_TIME, START_OF_SUMMER_TIME = dt.date(2026, 11, 1), dt.date(2026, 3, 8)


@pytest.fixture(scope="module")
def sixty_days(tmp_path_factory: pytest.TempPathFactory) -> Organic:
    """Return all nodes with all reports loaded, over sixty days with the end of summer time in Los Angeles."""
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
    expected = truth.true_facts(sixty_days, "page_insights", sixty_days.days(60))

    assert truth.loaded_facts(sixty_days, "page_insights") == expected
    assert len(expected) > 2_500


def test_every_instagram_metric_and_day_is_exact(sixty_days: Organic) -> None:
    expected = truth.true_facts(sixty_days, "instagram_insights", sixty_days.days(60))

    assert truth.loaded_facts(sixty_days, "instagram_insights") == expected
    followers = {(account, day) for account, day, _, _, metric, *_ in expected if metric == "follower_count"}
    assert {day for _, day in followers} <= {str(day) for day in sixty_days.days(30)}
    assert len(expected) > 3_000 and len(followers) > 80


@pytest.mark.parametrize("report, objects", [
    ("page_audience", 3), ("instagram_demographics", 3), ("page_posts", 150), ("instagram_media", 300),
    ("instagram_stories", 1),
])
def test_every_value_of_a_snapshot_is_exact(sixty_days: Organic, report: str, objects: int) -> None:
    expected = truth.true_facts(sixty_days, report)

    assert truth.loaded_facts(sixty_days, report) == expected
    assert len({id for _, _, kind, id, *_ in expected if kind == "insight"}) >= objects


def test_snapshots_land_under_the_day_on_which_they_are_taken(sixty_days: Organic) -> None:
    for report in ("page_posts", "page_audience", "instagram_media", "instagram_demographics", "instagram_stories"):
        days = sixty_days.sql(f"select distinct day from {truth.raw_table(report)}")
        assert [row["day"] for row in days] == [sixty_days.today]


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

    expected = truth.true_facts(organic, "page_insights", days, registry=registry, nodes=[PAGE])
    assert {metric.partition(" ")[2] for _, _, _, _, metric, *_ in expected} == {"", "week", "days_28"}
    assert truth.loaded_facts(organic, "page_insights") == expected


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
    assert truth.loaded_facts(organic, "page_insights") == truth.true_facts(organic, "page_insights", days, nodes=[PAGE])
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
        loaded = truth.loaded_facts(organic, "page_insights")
        provisional |= {(key, json.dumps(value)) for key, value in loaded.items() if key[1] <= str(first[-1])}
        assert loaded == truth.true_facts(organic, "page_insights", days)
        loaded_of_instagram = truth.loaded_facts(organic, "instagram_insights")
        assert loaded_of_instagram == truth.true_facts(organic, "instagram_insights", days)
        organic.wait(days=1)

    final = truth.true_facts(organic, "page_insights", first)
    assert {key: value for key, value in loaded.items() if key[1] <= str(first[-1])} == final
    assert len(provisional) > len(final)  # some values did change
