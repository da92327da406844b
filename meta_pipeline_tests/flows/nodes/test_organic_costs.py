"""The calls that Pages and Instagram accounts cost as Meta charges them, everything included."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.nodes.organic import INSTAGRAM_ACCOUNT, PAGE, Cost, Organic


def test_a_month_of_a_page_with_all_its_metrics_takes_four_calls(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    landed = organic.land(PAGE, "page_insights page_audience", organic.days(30))

    assert len(landed) == 31 and all(file.rows for file in landed)
    assert organic.cost == Cost(http_calls=4, operations=4)

    organic.wait(days=1)
    organic.land(PAGE, "page_insights page_audience", organic.days(30))
    assert organic.cost == Cost(http_calls=4, operations=4)


def test_an_audience_lands_with_one_more_call_when_the_servers_clock_is_behind(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    behind = organic.runtime.clock.at - dt.timedelta(days=20)
    organic.runtime.graph.clock = lambda: behind

    (landed,) = organic.land(PAGE, "page_audience", organic.days(1))

    assert landed.rows == 2
    assert organic.cost == Cost(http_calls=2, operations=2)


def test_a_month_of_an_instagram_account_takes_61_operations_in_three_calls(tmp_path: Path) -> None:
    """Count 30 + 30 + 1 operations: Meta adds up the days of a total, so each day is a request; follows need another
    per day for their breakdown; the series of new followers is one."""
    organic = Organic(tmp_path, at=dt.datetime(2026, 12, 10, 12, tzinfo=dt.UTC))
    landed = organic.land(INSTAGRAM_ACCOUNT, "instagram_insights", organic.days(30))

    assert len(landed) == 30 and all(file.rows for file in landed)
    assert organic.cost == Cost(http_calls=3, operations=61)

    organic.wait(days=1)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_insights", organic.days(30))
    assert organic.cost == Cost(http_calls=2, operations=61)


def test_a_month_with_the_end_of_summer_time_is_an_hour_too_long_for_one_series(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    days = organic.days(30)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_insights", days)

    assert dt.date(2026, 11, 1) in days
    assert organic.cost == Cost(http_calls=3, operations=62)


def test_demographics_of_an_instagram_account_take_six_operations_in_two_calls(tmp_path: Path) -> None:
    organic = Organic(tmp_path)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_demographics")

    assert organic.cost == Cost(http_calls=2, operations=6)


@pytest.mark.parametrize("node_id, report", [(INSTAGRAM_ACCOUNT, "instagram_media"), (PAGE, "page_posts")])
def test_300_media_of_two_years_are_read_in_few_calls_on_every_day(tmp_path: Path, node_id: str, report: str) -> None:
    organic = Organic(tmp_path, media_per_account=300, posts_per_page=300)
    (first,) = organic.land(node_id, report)
    assert first.rows > 250
    assert organic.cost.operations <= 320 and organic.cost.http_calls <= 10

    for _ in range(31):  # every object of the monthly tier is due once
        organic.wait(days=1)
        organic.land(node_id, report)
        assert organic.cost.operations <= 32 and organic.cost.http_calls <= 3


def test_an_hour_of_stories_takes_one_listing_and_two_operations_a_story(tmp_path: Path) -> None:
    organic = Organic(tmp_path, stories_per_day=5)
    organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
    organic.wait(hours=1)
    (landed,) = organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
    live = len(organic.runtime.graph.instagram.library.live_stories(
        organic.runtime.graph.world.pages[PAGE], organic.runtime.clock.at
    ))

    assert landed.rows >= live >= 3
    assert organic.cost.operations == 1 + 2 * live and organic.cost.http_calls == 2


@pytest.mark.parametrize("dead, most", [(1, 7), (3, 17)])
def test_dead_metrics_of_a_page_cost_a_search_once(tmp_path: Path, dead: int, most: int) -> None:
    names = ("page_post_engagements", "page_video_views", "page_daily_follows")[:dead]
    organic = Organic(tmp_path, retired_metrics=dict.fromkeys(names, "2026-11-01"))
    days = organic.days(30)
    organic.land(PAGE, "page_insights", days)
    assert organic.cost.operations <= 2 + most  # three requests, of which one is refused

    organic.wait(days=1)
    organic.land(PAGE, "page_insights", days)
    assert organic.cost == Cost(http_calls=3, operations=3)
