"""Stories: readable for 24 hours, and gone afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import NOW, call, new_graph
from meta_pipeline_tests.sandbox.instagram.client import ACCOUNT, error_of, insights, truth

METRICS = "reach,views,shares,replies,navigation,total_interactions,follows,profile_visits,reposts,link_clicks,profile_activity"
YESTERDAY, TODAY = NOW.date() - dt.timedelta(days=1), NOW.date()


@pytest.fixture
def graph() -> Graph:
    return new_graph()


def live(graph: Graph) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = call(graph, f"{ACCOUNT}/stories", fields="id,timestamp,media_product_type")[1]["data"]
    return rows


def values(graph: Graph, story_id: str) -> dict[str, int]:
    return {entry["name"]: entry["values"][0]["value"] for entry in insights(graph, story_id, metric=METRICS)}


def true_stories(graph: Graph, since: dt.date, until: dt.date) -> list[dict[str, Any]]:
    return [row for row in truth(graph, since, until)["stories"] if row["instagram_account_id"] == ACCOUNT]


def true_values(graph: Graph, since: dt.date, until: dt.date) -> dict[str, dict[str, int]]:
    by_story: dict[str, dict[str, int]] = {}
    for row in truth(graph, since, until)["story_insights"]:
        if not row["breakdown"]:
            by_story.setdefault(row["media_id"], {})[row["metric"]] = row["value"]
    return by_story


def test_only_live_stories_are_listed_newest_first(graph: Graph) -> None:
    rows = live(graph)
    stories = true_stories(graph, YESTERDAY - dt.timedelta(days=1), TODAY)

    assert [row["id"] for row in rows] == [story["media_id"] for story in stories if story["ended_at"] is None]
    assert all(NOW - dt.timedelta(hours=24) < dt.datetime.fromisoformat(row["timestamp"]) <= NOW for row in rows)
    assert {row["media_product_type"] for row in rows} == {"STORY"}
    assert len(rows) == 2 and any(story["ended_at"] for story in stories)


def test_a_story_grows_by_the_hour_until_it_ends_and_can_not_be_read_afterwards(graph: Graph) -> None:
    story = next(row for row in live(graph) if values(graph, row["id"])["reach"] > 50)
    published_at = dt.datetime.fromisoformat(story["timestamp"])
    reaches = []
    for hours in (12, 18, 22, 23):
        graph.fixed_now = published_at + dt.timedelta(hours=hours, minutes=1)
        reaches.append(values(graph, story["id"])["reach"])
    last = values(graph, story["id"])
    graph.fixed_now = published_at + dt.timedelta(hours=24)

    assert reaches == sorted(set(reaches))
    assert story["id"] not in [row["id"] for row in live(graph)]
    assert error_of(graph, f"{story['id']}/insights", metric="reach")[:3] == (400, 100, 33)
    assert error_of(graph, story["id"], fields="timestamp")[:3] == (400, 100, 33)
    days = published_at.date() - dt.timedelta(days=1), published_at.date()
    ended = next(row for row in true_stories(graph, *days) if row["media_id"] == story["id"])
    assert ended["ended_at"] == graph.fixed_now.strftime("%Y-%m-%dT%H:%M:%S+0000")
    assert true_values(graph, *days)[story["id"]] == last


def test_reads_of_the_last_hour_equal_the_truth_of_a_fortnight(graph: Graph) -> None:
    since, until = dt.date(2026, 10, 26), dt.date(2026, 11, 8)
    stories = true_stories(graph, since, until)
    last: dict[str, dict[str, int]] = {}
    for story in stories:
        graph.fixed_now = dt.datetime.fromisoformat(story["ended_at"]) - dt.timedelta(minutes=30)
        if story["has_insights"]:
            last[story["media_id"]] = values(graph, story["media_id"])
        else:
            error = error_of(graph, f"{story['media_id']}/insights", metric="reach")
            assert error == (400, 10, None, "(#10) Not enough viewers for the media to show insights")
    graph.fixed_now = NOW

    assert len(stories) == 28 and len(last) < 28
    ids = {story["media_id"] for story in stories}
    assert last == {story_id: row for story_id, row in true_values(graph, since, until).items() if story_id in ids}


def test_a_new_story_has_too_few_viewers_for_insights(graph: Graph) -> None:
    control(graph, "world", {"stories_per_day": 100}, {})
    stories = [story for story in true_stories(graph, TODAY, TODAY)[:10]]
    errors = []
    for story in stories:
        graph.fixed_now = dt.datetime.fromisoformat(story["timestamp"])
        response, body = call(graph, f"{story['media_id']}/insights", metric="reach")
        errors.append(body["error"]["code"] if response.status == 400 else body["data"][0]["values"][0]["value"])

    assert 10 in errors
    assert all(error == 10 or error >= 5 for error in errors)


def test_some_numbers_under_five_come_as_zero(graph: Graph) -> None:
    control(graph, "world", {"stories_per_day": 30}, {})
    rows = [row for row in truth(graph, YESTERDAY, YESTERDAY)["story_insights"] if not row["breakdown"]]

    numbers = [row["value"] for row in rows if row["metric"] in ("shares", "replies", "profile_visits", "link_clicks")]
    assert numbers.count(0) > sum(1 <= number < 5 for number in numbers) > 0


def test_the_navigation_of_a_story_is_broken_down(graph: Graph) -> None:
    story_id = next(row["id"] for row in live(graph) if values(graph, row["id"])["navigation"] > 50)
    entry = insights(graph, story_id, metric="navigation", breakdown="story_navigation_action_type")[0]
    results = {result["dimension_values"][0]: result["value"] for result in entry["total_value"]["breakdowns"][0]["results"]}

    assert set(results) == {"TAP_FORWARD", "TAP_BACK", "TAP_EXIT", "SWIPE_FORWARD"}
    assert sum(results.values()) == entry["total_value"]["value"] == entry["values"][0]["value"]
    assert {
        (row["breakdown_value"], row["value"]) for row in truth(graph, YESTERDAY, TODAY)["story_insights"]
        if (row["media_id"], row["breakdown"]) == (story_id, "story_navigation_action_type")
    } == set(results.items())


@pytest.mark.parametrize(("count", "listed"), [(0, 0), (5, 5)])
def test_an_account_has_as_many_stories_a_day_as_configured(graph: Graph, count: int, listed: int) -> None:
    control(graph, "world", {"stories_per_day": count}, {})

    assert len(true_stories(graph, YESTERDAY, YESTERDAY)) == count
    assert listed - 1 <= len(live(graph)) <= listed + 1


def test_the_truth_is_restricted_to_accounts_metrics_and_records_at_an_instant(graph: Graph) -> None:
    whole = truth(graph, YESTERDAY, TODAY)
    restrictions = {"instagram_account_id": ACCOUNT, "metrics": "reach,views", "records": "account_insights,story_insights"}
    part = truth(graph, YESTERDAY, TODAY, **restrictions)
    ids = {story["media_id"] for story in true_stories(graph, YESTERDAY, TODAY)}

    assert part == {
        "account_insights": [row for row in whole["account_insights"] if row["instagram_account_id"] == ACCOUNT and row["metric"] in ("reach", "views")],
        "story_insights": [row for row in whole["story_insights"] if row["media_id"] in ids and row["metric"] in ("reach", "views")],
    }
    earlier = truth(graph, YESTERDAY, TODAY, at="2026-11-20T06:00:00+00:00", **restrictions)
    graph.fixed_now = NOW - dt.timedelta(hours=6)
    assert earlier == truth(graph, YESTERDAY, TODAY, **restrictions) != part
    with pytest.raises(ValueError, match="no such records: media_insight"):
        truth(graph, YESTERDAY, TODAY, records="media_insight")


def test_a_control_call_edits_and_deletes_media_and_stories(graph: Graph) -> None:
    story = live(graph)[0]["id"]
    media = [row["id"] for row in call(graph, f"{ACCOUNT}/media", limit="2")[1]["data"]]
    control(graph, "media", {"id": media[0], "caption": "Closed on Monday"}, {})
    for media_id in (media[1], story):
        control(graph, "media", {"id": media_id, "delete": True, "at": (NOW + dt.timedelta(hours=1)).isoformat()}, {})
    graph.fixed_now = NOW + dt.timedelta(minutes=59)
    last = values(graph, story)
    assert call(graph, media[0], fields="caption")[1]["caption"] == "Closed on Monday"
    graph.fixed_now = NOW + dt.timedelta(hours=1)

    assert {error_of(graph, media_id)[:3] for media_id in (media[1], story)} == {(400, 100, 33)}
    records = truth(graph, YESTERDAY, TODAY)
    changed = {row["media_id"]: (row["is_edited"], row["is_deleted"]) for row in records["media"] if row["media_id"] in media}
    assert changed == {media[0]: (True, False), media[1]: (False, True)}
    ended = {row["media_id"]: row["ended_at"] for row in records["stories"]}
    assert ended[story] == "2026-11-20T13:00:00+0000" and true_values(graph, YESTERDAY, TODAY)[story] == last
    with pytest.raises(ValueError, match="no media object"):
        control(graph, "media", {"id": media[1], "caption": "gone"}, {})


def test_the_truth_of_an_ended_story_keeps_a_metric_that_retired_later(graph: Graph) -> None:
    control(graph, "world", {"retired_metrics": {"reach": NOW.isoformat()}}, {})
    stories = [story for story in true_stories(graph, YESTERDAY - dt.timedelta(days=1), TODAY) if story["has_insights"]]
    by_story = true_values(graph, YESTERDAY - dt.timedelta(days=1), TODAY)

    assert {story["ended_at"] is not None for story in stories} == {True, False}
    assert all(("reach" in by_story[story["media_id"]]) == (story["ended_at"] is not None) for story in stories)
