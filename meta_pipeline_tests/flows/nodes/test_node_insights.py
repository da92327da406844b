"""Insights of Pages and Instagram accounts by day: ranges that are too much, periods, and metrics that retire."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.nodes import organic_truth as truth
from harness.nodes.node_truth import Facts
from harness.nodes.organic import INSTAGRAM_ACCOUNT, INSTAGRAM_ACCOUNTS, PAGE, Organic
from meta_pipeline.extract.metrics.answers import day_of
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.records import FailedDay
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.store.pulls import metric_states


@pytest.mark.parametrize("end_time, day", [
    ("2026-11-01T07:00:00+0000", dt.date(2026, 10, 31)),  # 24 hours
    ("2026-11-02T08:00:00+0000", dt.date(2026, 11, 1)),  # 25 hours
    ("2026-11-03T08:00:00+0000", dt.date(2026, 11, 2)),
    ("2026-03-08T08:00:00+0000", dt.date(2026, 3, 7)),
    ("2026-03-09T07:00:00+0000", dt.date(2026, 3, 8)),  # 23 hours
    ("2026-03-09T08:00:00+0000", dt.date(2026, 3, 8)),  # with the hour of winter time
    ("2026-07-02T00:00:00-07:00", dt.date(2026, 7, 1)),
    ("2026-07-02T07:00:00", None), ("yesterday", None), (None, None), (17, None),
])
def test_the_day_of_a_value_ends_at_its_end_time(end_time: Any, day: dt.date | None) -> None:
    value = {"value": msgspec.Raw(b"1"), "end_time": msgspec.Raw(msgspec.json.encode(end_time))}

    assert day_of(value) == day
    assert day_of({"value": msgspec.Raw(b"1")}) is None


@pytest.mark.parametrize("times", [1, 3, 6])
def test_a_range_that_is_too_much_is_read_in_halves_and_loses_nothing(tmp_path: Path, times: int) -> None:
    organic = Organic(tmp_path)
    organic.control("faults", fault="100_1487534", path=f"GET {PAGE}/insights", times=times)
    days = organic.days(90)
    organic.land(PAGE, "page_insights", days)
    organic.load()

    assert organic.cost.operations > 3
    assert truth.loaded_facts(organic, "page_insights") == truth.true_facts(organic, "page_insights", days, nodes=[PAGE])


def test_a_day_that_is_too_much_alone_fails_with_the_reason(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    organic.control("faults", fault="100_1487534", path=f"GET {PAGE}/insights", times=99)
    (failed,) = organic.pull(PAGE, "page_insights", organic.days(1))

    assert isinstance(failed, FailedDay) and "1487534" in failed.reason


@pytest.mark.parametrize("periods", [("day", "week"), ("day", "week", "days_28")])
def test_each_period_that_is_switched_on_takes_one_more_call(tmp_path: Path, periods: tuple[str, ...]) -> None:
    registry = Registry(
        dataclasses.replace(metric, default_periods=periods)
        if metric.report == "page_insights" and set(periods) <= set(metric.periods) else metric
        for metric in METRICS.values()
    )
    organic = Organic(tmp_path)
    days = organic.days(30)
    organic.land(PAGE, "page_insights", days, metrics=registry)
    organic.load()

    assert organic.cost.operations == 3 + len(periods) - 1
    expected = truth.true_facts(organic, "page_insights", days, registry=registry, nodes=[PAGE])
    assert {metric.partition(" ")[2] or "day" for _, _, _, _, metric, *_ in expected} == set(periods)
    assert truth.loaded_facts(organic, "page_insights") == expected


def retire_after(organic: Organic, requests: int, *metrics: str) -> None:
    """Retire the metrics after this number of requests for insights."""
    answer, left = organic.runtime.graph.answer, [requests]

    def counted(request: GraphRequest) -> Any:
        if request.path.endswith("/insights"):
            left[0] -= 1
            if left[0] == -1:
                at = (organic.runtime.clock.at - dt.timedelta(seconds=1)).isoformat()
                organic.control("world", retired_metrics=dict.fromkeys(metrics, at))
        return answer(request)

    organic.runtime.graph.answer = counted  # type: ignore[method-assign]


def assert_only_lost(loaded: Facts, everything: Facts, gone: Collection[str]) -> None:
    """Raise AssertionError for a loaded value that is wrong, and for a missing one of a metric that is not `gone`."""
    assert loaded.items() <= everything.items()
    assert {key for key in everything if key[4] not in gone} <= loaded.keys()


@pytest.mark.parametrize("requests", [0, 1, 3, 4, 6])
def test_metrics_of_a_page_that_retire_in_the_middle_of_a_backfill_lose_no_other_value(
    tmp_path: Path, requests: int
) -> None:
    gone = ("page_video_views", "page_post_engagements")
    organic = Organic(tmp_path)
    days = organic.days(270)
    everything = truth.true_facts(organic, "page_insights", days, nodes=[PAGE])
    retire_after(organic, requests, *gone)
    organic.land(PAGE, "page_insights", days)
    organic.load()

    assert_only_lost(truth.loaded_facts(organic, "page_insights"), everything, gone)
    dead = {state.metric for state in metric_states.find_all(organic.engine) if state.dead_since}
    assert dead == set(gone)


@pytest.mark.parametrize("requests", [0, 2, 20, 61, 75])
def test_metrics_of_instagram_that_retire_in_the_middle_of_a_batch_lose_no_other_value(
    tmp_path: Path, requests: int
) -> None:
    gone = ("likes", "profile_views", "follower_count")
    organic = Organic(tmp_path)
    days = organic.days(45)
    everything = truth.true_facts(organic, "instagram_insights", days, nodes=[INSTAGRAM_ACCOUNT])
    retire_after(organic, requests, *gone)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_insights", days)
    organic.load()

    assert_only_lost(truth.loaded_facts(organic, "instagram_insights"), everything, gone)
    dead = {state.metric for state in metric_states.find_all(organic.engine) if state.dead_since}
    assert dead <= set(gone) and {"likes", "profile_views"} <= dead


def test_a_media_metric_that_retires_loses_no_other_metric_of_any_type(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    retire_after(organic, 30, "saved")
    organic.land(INSTAGRAM_ACCOUNTS, "instagram_media")
    organic.load()

    loaded, expected = truth.loaded_facts(organic, "instagram_media"), truth.true_facts(organic, "instagram_media")
    assert expected and {key: value for key, value in loaded.items() if key[4] != "saved"} == expected
