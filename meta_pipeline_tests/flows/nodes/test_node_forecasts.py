"""The forecast of a report of a Page or an Instagram account equals the calls that its read makes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.nodes.organic import INSTAGRAM_ACCOUNT, PAGE, Organic
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.extract.forecasting.forecast import Forecast
from meta_pipeline.extract.forecasting.node_forecast import forecast_node_report, hourly_story_calls
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.extract.reports import is_snapshot
from meta_pipeline.extract.snapshots.snapshot_ages import DEFAULT_AGES, parse_ages
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.node_kinds import PAGE as PAGE_KIND

VERSION = "v24.0"
WITH_OBJECTS = {"page_posts", "instagram_media", "instagram_stories"}
OF_ACCOUNTS = {name for name, report in NODE_REPORTS.items() if report.node_kind == AD_ACCOUNT}


def forecast(organic: Organic, name: str, days: list[dt.date]) -> Forecast:
    report = NODE_REPORTS[name]
    return forecast_node_report(
        report, [organic.today] if is_snapshot(report) else days, engine=organic.engine, node_id=node_of(name),
        registry=METRICS, version=VERSION, ages=parse_ages(DEFAULT_AGES), today=organic.today,
        now=organic.runtime.clock.at,
    )


def node_of(name: str) -> str:
    return PAGE if NODE_REPORTS[name].node_kind == PAGE_KIND else INSTAGRAM_ACCOUNT


@pytest.mark.parametrize("count", [1, 30, 100])
@pytest.mark.parametrize("name", sorted(set(NODE_REPORTS) - WITH_OBJECTS - OF_ACCOUNTS))
def test_days_and_audiences_take_the_calls_of_the_forecast_on_every_day(
    tmp_path: Path, name: str, count: int
) -> None:
    organic = Organic(tmp_path)
    for _ in range(2):
        expected = forecast(organic, name, organic.days(count))
        organic.land(node_of(name), name, organic.days(count))
        assert organic.cost.operations == expected.calls
        organic.wait(days=1)


@pytest.mark.parametrize("name", ["page_posts", "instagram_media"])
def test_posts_and_media_take_the_calls_of_the_forecast_and_those_of_new_ones(tmp_path: Path, name: str) -> None:
    organic = Organic(tmp_path, posts_per_page=220, media_per_account=220)
    first = forecast(organic, name, organic.days(1))
    assert (first.calls, first.rows) == (1, None)  # the number of objects is not known yet
    organic.land(node_of(name), name)
    assert organic.cost.operations > first.calls

    differences = []
    for _ in range(10):
        organic.wait(days=1)
        expected = forecast(organic, name, organic.days(1))
        organic.land(node_of(name), name)
        differences.append(organic.cost.operations - expected.calls)
    # A new object is one call, and so is the search for one that was deleted.
    assert differences.count(0) >= 3 and all(0 <= difference <= 3 for difference in differences)


def test_stories_take_the_calls_of_the_forecast_and_those_of_new_ones(tmp_path: Path) -> None:
    organic = Organic(tmp_path, stories_per_day=3)
    first = forecast(organic, "instagram_stories", [organic.today])
    assert (first.calls, first.rows) == (1, None)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
    differences = []
    for _ in range(30):
        organic.wait(hours=1)
        expected = forecast(organic, "instagram_stories", [organic.today])
        organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
        differences.append(organic.cost.operations - expected.calls)

    assert set(differences) <= {0, 2} and differences.count(0) >= 20  # two calls for a new story


def test_the_hourly_read_of_stories_is_forecast_for_a_day(tmp_path: Path) -> None:
    organic = Organic(tmp_path, stories_per_day=3)

    def hourly() -> int:
        return hourly_story_calls(
            organic.engine, INSTAGRAM_ACCOUNT, registry=METRICS, version=VERSION, now=organic.runtime.clock.at
        )

    assert hourly() == 24
    organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
    assert hourly() == 24 * organic.cost.operations


def test_a_dead_metric_is_not_in_the_forecast(tmp_path: Path) -> None:
    organic = Organic(tmp_path, retired_metrics={"page_media_view": "2026-11-01", "navigation": "2026-11-01"})
    days = organic.days(3)
    before = forecast(organic, "page_insights", days).calls
    organic.land(PAGE, "page_insights", days)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")

    assert forecast(organic, "page_insights", days).calls == before - 2  # it was the only one with breakdowns
    expected = forecast(organic, "instagram_stories", [organic.today]).calls
    organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
    assert organic.cost.operations == expected
    organic.land(PAGE, "page_insights", days)
    assert organic.cost.operations == before - 2
