"""Stories of an Instagram account, read hourly: their last values stay after they end."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from harness.nodes.organic import INSTAGRAM_ACCOUNT, PAGE, Organic
from meta_pipeline.extract.metrics.availability import PROBE_EVERY
from meta_pipeline.sandbox.instagram.media import Media

REPORT = "instagram_stories"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def organic(tmp_path: Path) -> Organic:
    return Organic(tmp_path, stories_per_day=3)


def land(organic: Organic, hours: int = 1) -> None:
    for _ in range(hours):
        organic.land(INSTAGRAM_ACCOUNT, REPORT)
        organic.wait(hours=1)


def rows(organic: Organic) -> list[dict[str, Any]]:
    organic.load()
    return organic.sql("select *, ended_at is null as is_live from raw_instagram.instagram_stories order by day, id")


def newest(organic: Organic) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows(organic)}


def live(organic: Organic) -> list[Media]:
    graph = organic.runtime.graph
    return graph.instagram.library.live_stories(graph.world.pages[PAGE], organic.runtime.clock.at)


def values(row: dict[str, Any]) -> dict[str, int]:
    return {
        metric["name"]: metric["values"][0]["value"] for metric in json.loads(row["insights"] or "[]")
        if metric.get("values")
    }


def true_values(organic: Organic, days: int = 4) -> dict[str, dict[str, int]]:
    spans = [organic.today - dt.timedelta(days=n) for n in range(days)]
    truth = organic.truth("instagram", spans, records="story_insights", instagram_account_id=INSTAGRAM_ACCOUNT)
    wanted = ("reach", "views", "replies", "shares", "total_interactions", "navigation")
    by_id: dict[str, dict[str, int]] = {}
    for row in truth["story_insights"]:
        if row["breakdown"] == "" and row["metric"] in wanted:
            by_id.setdefault(row["media_id"], {})[row["metric"]] = row["value"]
    return by_id


def test_two_days_of_hourly_reads_keep_the_last_values_and_the_end_of_every_story(organic: Organic) -> None:
    land(organic, 50)
    organic.wait(minutes=-60)  # back to the time of the last read
    stories, truth = newest(organic), true_values(organic)
    ended = {id: row for id, row in stories.items() if row["ended_at"] is not None}

    assert len(stories) >= 7 and len(ended) >= 4
    assert {id for id, row in stories.items() if row["is_live"]} == {story.id for story in live(organic)}
    for id, row in stories.items():
        # A story's values grow by the hour, and the last whole hour of its life was read.
        assert values(row) == truth.get(id, {}), id
    for row in ended.values():
        published = dt.datetime.fromisoformat(row["timestamp"])
        assert dt.datetime.fromisoformat(row["ended_at"]) == published + 24 * HOUR


def test_a_story_that_ended_is_carried_over_once(organic: Organic) -> None:
    land(organic, 80)
    days: dict[str, list[dict[str, Any]]] = {}
    for row in rows(organic):
        days.setdefault(row["id"], []).append(row)

    assert max(len(each) for each in days.values()) == 2
    for each in days.values():
        assert [row["is_live"] for row in each] in ([True], [False], [True, False], [True, True])
    assert any([row["is_live"] for row in each] == [True, False] for each in days.values())


def test_a_story_that_is_removed_early_ends_at_the_next_read_and_keeps_its_values(organic: Organic) -> None:
    land(organic)
    story = live(organic)[0]
    before = values(newest(organic)[story.id])
    organic.control("media", id=story.id, delete=True)
    land(organic)

    row = newest(organic)[story.id]
    assert values(row) == before != {}
    assert dt.datetime.fromisoformat(row["ended_at"]) == organic.runtime.clock.at - HOUR
    land(organic, 3)
    assert newest(organic)[story.id]["ended_at"] == row["ended_at"]


def test_too_few_viewers_is_an_error_of_the_story_and_the_read_succeeds(organic: Organic) -> None:
    enough = organic.runtime.graph.instagram.media_values.has_enough_viewers
    few: list[str] = []
    for _ in range(24 * 14):
        stories = live(organic)
        few = [story.id for story in stories if not enough(story, organic.runtime.clock.at)]
        if few and len(few) < len(stories):
            break
        organic.wait(hours=1)
    organic.land(INSTAGRAM_ACCOUNT, REPORT)

    landed = newest(organic)
    for story in live(organic):
        row = landed[story.id]
        has_error = (row["insights_error"] or "").startswith("(10) (#10) Not enough viewers")
        assert has_error == (row["insights"] is None) == (story.id in few)
    assert few


def test_a_story_keeps_its_earlier_values_when_viewers_become_too_few(organic: Organic) -> None:
    land(organic, 12)
    story = live(organic)[-1]
    before = values(newest(organic)[story.id])
    assert before
    _few_viewers(organic, story.id)
    land(organic)

    row = newest(organic)[story.id]
    assert values(row) == before and "Not enough viewers" in row["insights_error"]


def _few_viewers(organic: Organic, id: str) -> None:
    media_values = organic.runtime.graph.instagram.media_values
    enough = media_values.has_enough_viewers
    media_values.has_enough_viewers = (  # type: ignore[method-assign]
        lambda media, now: media.id != id and enough(media, now)
    )


def test_a_story_that_was_live_when_nothing_was_read_for_days_has_an_end(organic: Organic) -> None:
    land(organic)
    stories = [story.id for story in live(organic)]
    organic.wait(days=4)
    land(organic)

    after = newest(organic)
    assert stories and all(after[id]["ended_at"] is not None and values(after[id]) for id in stories if id in after)
    assert set(stories) <= set(after)


def test_an_account_without_stories_lands_an_empty_day(tmp_path: Path) -> None:
    organic = Organic(tmp_path, stories_per_day=0)
    (landed,) = organic.land(INSTAGRAM_ACCOUNT, REPORT)

    assert landed.rows == 0


def test_a_dead_story_metric_is_probed_without_harm_to_a_story_that_few_saw(organic: Organic) -> None:
    organic.control("world", retired_metrics={"replies": "2026-11-01"})
    land(organic, 3)
    organic.wait(days=PROBE_EVERY.days)
    for story in live(organic)[:1]:
        _few_viewers(organic, story.id)
    land(organic)

    fresh = [row for row in newest(organic).values() if row["is_live"]]
    assert fresh and any(values(row) for row in fresh)
    assert all("replies" not in values(row) for row in fresh)
