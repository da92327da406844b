"""Media of Instagram accounts and their insights: equal to the truth, with Meta's errors for metrics that don't fit."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.instagram.media_values import MEDIA_METRICS
from meta_pipeline_tests.sandbox.client import NOW, call, fetch_all, new_graph
from meta_pipeline_tests.sandbox.instagram.client import ACCOUNT, OTHER_PAGE, error_of, insights, truth

TODAY = NOW.date()
FIELDS = (
    "id", "caption", "media_type", "media_product_type", "media_url", "thumbnail_url", "permalink", "shortcode",
    "timestamp", "username", "is_comment_enabled", "like_count", "comments_count", "saved_count", "shares_count",
    "total_like_count", "total_comments_count", "total_views_count",
)
BASIC = "reach,likes,comments,saved,shares,total_interactions"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return new_graph()


@pytest.fixture(scope="module")
def media(graph: Graph) -> list[dict[str, Any]]:
    """Return the truth about the account's media that exist now."""
    return [row for row in truth(graph, TODAY, TODAY)["media"] if row["instagram_account_id"] == ACCOUNT and not row["is_deleted"]]


def kind_of(row: dict[str, Any]) -> str:
    return str(row["media_product_type"] if row["media_product_type"] in ("REELS", "STORY") else row["media_type"])


def first_of(media: list[dict[str, Any]], kind: str) -> str:
    return str(next(row for row in media if kind_of(row) == kind)["media_id"])


def true_insights(graph: Graph, kind: str = "media_insights") -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for row in truth(graph, TODAY, TODAY)[kind]:
        if not row["breakdown"]:
            values.setdefault(row["media_id"], {})[row["metric"]] = row["value"]
    return values


def test_more_than_a_hundred_media_are_listed_newest_first_page_by_page(graph: Graph, media: list[dict[str, Any]]) -> None:
    rows = fetch_all(graph, f"{ACCOUNT}/media", fields=",".join(FIELDS), limit="50")

    assert len(rows) == len(media) == call(graph, ACCOUNT, fields="media_count")[1]["media_count"] > 100
    assert rows == [{name: row[name] for name in FIELDS if row[name] is not None} for row in media]
    assert rows == sorted(rows, key=lambda row: row["timestamp"], reverse=True)
    assert {kind_of(row) for row in rows} == {"IMAGE", "CAROUSEL_ALBUM", "VIDEO", "REELS"}


def test_the_insights_of_every_medium_equal_the_truth(graph: Graph, media: list[dict[str, Any]]) -> None:
    values, read = true_insights(graph), {}
    for row in media:
        metrics = [name for name, metric in MEDIA_METRICS.items() if kind_of(row) in metric.kinds]
        entries = insights(graph, row["media_id"], metric=",".join(metrics))
        read[row["media_id"]] = {entry["name"]: entry["values"][0]["value"] for entry in entries}

    assert read == {row["media_id"]: values[row["media_id"]] for row in media}
    assert {entry["period"] for entry in entries} == {"lifetime"}


def test_insights_are_expanded_in_the_listing_with_equal_values(graph: Graph) -> None:
    fields = f"id,insights.metric({BASIC}){{name,values}}"
    rows = call(graph, f"{ACCOUNT}/media", fields=fields, limit="100")[1]["data"]

    values = true_insights(graph)
    assert len(rows) == 100
    for row in rows:
        nested = {entry["name"]: entry["values"][0]["value"] for entry in row["insights"]["data"]}
        assert nested == {name: values[row["id"]][name] for name in BASIC.split(",")}


def test_one_error_in_an_expansion_fails_the_listing(graph: Graph) -> None:
    status, code, _, message = error_of(graph, f"{ACCOUNT}/media", fields="id,insights.metric(reach,views)", limit="100")

    assert (status, code) == (400, 100)
    assert message == "(#100) The Media Insights API does not support the views metric for this media product type."


def test_the_account_expands_its_media_and_insights_in_one_request(graph: Graph) -> None:
    fields = "username,media.limit(2){id,insights.metric(reach){values}},stories{id},insights.metric(reach).period(day){values}"
    body = call(graph, ACCOUNT, fields=fields)[1]

    ids = [row["id"] for row in call(graph, f"{ACCOUNT}/media", limit="2")[1]["data"]]
    assert [row["id"] for row in body["media"]["data"]] == ids
    assert f"/{ACCOUNT}/media?" in body["media"]["paging"]["next"]
    assert body["insights"]["data"][0]["values"] == insights(graph, metric="reach", period="day")[0]["values"]
    assert body["stories"]["data"] == call(graph, f"{ACCOUNT}/stories")[1]["data"]


@pytest.mark.parametrize(
    ("kind", "metric", "expected"),
    [
        ("VIDEO", "reach,views", (400, 100, None, "support the views metric")),
        ("IMAGE", "reach,ig_reels_avg_watch_time,replies", (400, 100, None, "support the ig_reels_avg_watch_time, replies metric")),
        ("REELS", "views,profile_visits,follows", (400, 100, None, "support the profile_visits, follows metric")),
        ("CAROUSEL_ALBUM", "crossposted_views", (400, 100, None, "support the crossposted_views metric")),
        ("IMAGE", "reach,facebook_views", (400, 100, 2207086, "Invalid parameter")),
        ("STORY", "reach,facebook_views", (400, 100, 2207086, "Invalid parameter")),
        ("STORY", "reach,total_views", (403, 200, None, "(#200)")),
        ("STORY", "reach,saved", (400, 100, None, "support the saved metric")),
        ("IMAGE", "impressions", (400, 100, None, "no longer supported for the queried media")),
        ("REELS", "reach,plays", (400, 100, None, "metric[1] must be one of the following values")),
        ("IMAGE", "", (400, 100, None, "metric is required")),
    ],
)
def test_a_metric_that_does_not_fit_cancels_the_request(
    graph: Graph, media: list[dict[str, Any]], kind: str, metric: str, expected: tuple[int, int, int | None, str]
) -> None:
    media_id = call(graph, f"{ACCOUNT}/stories")[1]["data"][0]["id"] if kind == "STORY" else first_of(media, kind)
    error = error_of(graph, f"{media_id}/insights", metric=metric)

    assert error[:3] == expected[:3]
    assert expected[3] in error[3]


def test_facebook_views_exist_from_v26_on_and_organic_totals_everywhere(graph: Graph, media: list[dict[str, Any]]) -> None:
    path, metric = f"{first_of(media, 'REELS')}/insights", "total_views,total_likes,total_comments,facebook_views"

    assert len(call(graph, path, metric=metric)[1]["data"]) == 4
    assert "metric[3] must be one of" in error_of(graph, path, metric=metric, version="v25.0")[3]
    assert len(call(graph, path, metric=metric.rpartition(",")[0], version="v24.0")[1]["data"]) == 3


def test_totals_include_boosted_delivery(graph: Graph, media: list[dict[str, Any]]) -> None:
    values = [values for values in true_insights(graph).values() if "views" in values]

    for name in ("views", "likes", "comments"):
        assert all(row[f"total_{name}"] >= row[name] for row in values)
        assert any(row[f"total_{name}"] > row[name] for row in values)
    assert all(row["total_interactions"] == sum(row[name] for name in ("likes", "comments", "saved", "shares", "reposts"))
               for row in values)


def test_watch_time_is_in_milliseconds(graph: Graph, media: list[dict[str, Any]]) -> None:
    names = "views,ig_reels_avg_watch_time,ig_reels_video_view_total_time,reels_skip_rate"
    views, average_ms, total_ms, skip_rate = (
        entry["values"][0]["value"] for entry in insights(graph, first_of(media, "REELS"), metric=names))

    assert total_ms == views * average_ms > 0 and 2500 <= average_ms < 11_500
    assert 10 <= skip_rate < 70


def test_lifetime_values_grow_with_age(media: list[dict[str, Any]]) -> None:
    graph, media_id = new_graph(), media[0]["media_id"]
    series = []
    for hours in (0, 6, 48, 1000, 10_000):
        graph.fixed_now = NOW + dt.timedelta(hours=hours)
        series.append(insights(graph, media_id, metric="reach")[0]["values"][0]["value"])

    assert series == sorted(set(series))
    assert series[-1] - series[-2] < series[2] - series[0]


def test_insights_are_kept_for_two_years(media: list[dict[str, Any]]) -> None:
    graph, oldest = new_graph(), media[-1]
    published_at = dt.datetime.fromisoformat(oldest["timestamp"])
    graph.fixed_now = published_at + dt.timedelta(days=730)
    assert insights(graph, oldest["media_id"], metric="reach")
    graph.fixed_now += dt.timedelta(seconds=1)

    assert insights(graph, oldest["media_id"], metric="reach") == []
    assert call(graph, oldest["media_id"], fields="caption")[1]["caption"] == oldest["caption"]
    assert oldest["media_id"] not in {row["media_id"] for row in truth(graph, TODAY, TODAY)["media_insights"]}


def test_media_are_deleted_and_their_captions_edited() -> None:
    graph = new_graph()
    graph.fixed_now = NOW - dt.timedelta(days=200)
    before = {row["id"]: row for row in fetch_all(graph, f"{ACCOUNT}/media", fields="caption", limit="100")}
    graph.fixed_now = NOW
    after = {row["id"]: row for row in fetch_all(graph, f"{ACCOUNT}/media", fields="caption", limit="100")}
    deleted = {row["media_id"]: row for row in truth(graph, TODAY, TODAY)["media"] if row["is_deleted"]}

    gone = set(before) - set(after)
    assert gone and gone <= set(deleted)
    for media_id in gone:
        assert error_of(graph, media_id, fields="caption")[:3] == (400, 100, 33)
        assert error_of(graph, f"{media_id}/insights", metric="reach")[:3] == (400, 100, 33)
        assert before[media_id]["caption"].removesuffix(" (edited)") == deleted[media_id]["caption"].removesuffix(" (edited)")
        assert dt.datetime.fromisoformat(deleted[media_id]["deleted_at"]) <= NOW
    edited = [media_id for media_id in before.keys() & after.keys() if before[media_id] != after[media_id]]
    assert edited and all(after[media_id]["caption"] == f"{before[media_id]['caption']} (edited)" for media_id in edited)


def test_the_pictures_of_a_carousel_have_no_insights(graph: Graph, media: list[dict[str, Any]]) -> None:
    album = next(row for row in media if row["media_type"] == "CAROUSEL_ALBUM")
    children = call(graph, f"{album['media_id']}/children", fields="id,media_type")[1]["data"]
    nested = call(graph, album["media_id"], fields="children{id,media_type}")[1]["children"]["data"]

    assert [child["id"] for child in children] == album["children"] and nested == children
    assert call(graph, album["children"][0], fields="media_url")[0].status == 200
    assert error_of(graph, f"{album['children'][0]}/insights", metric="reach") == (
        400, 100, None, "(#100) Field is not available for Carousel children media")


def test_a_listing_is_limited_by_since_and_until(graph: Graph, media: list[dict[str, Any]]) -> None:
    since, until = "2026-10-01", "2026-11-02"
    rows = fetch_all(graph, f"{ACCOUNT}/media", fields="timestamp", since=since, until=until)

    assert [row["id"] for row in rows] == [
        row["media_id"] for row in media if "2026-10-01T07" <= row["timestamp"] < "2026-11-02T08"]


@pytest.mark.parametrize("count", [0, 7, 300])
def test_an_account_has_as_many_media_as_configured(count: int) -> None:
    graph = new_graph()
    control(graph, "world", {"media_per_account": count}, {})
    rows = [row for row in truth(graph, TODAY, TODAY)["media"] if row["instagram_account_id"] == ACCOUNT]
    listed = fetch_all(graph, f"{ACCOUNT}/media", limit="100")

    assert len(rows) == count
    assert {row["id"] for row in listed} == {row["media_id"] for row in rows if not row["is_deleted"]}


def test_a_new_metric_has_values_and_a_retired_one_fails(media: list[dict[str, Any]]) -> None:
    graph, media_id = new_graph(), media[3]["media_id"]
    control(graph, "world", {"new_metrics": {"glances": {"on": "media", "average": 900}}, "retired_metrics": {"saved": "2026-11-20"}}, {})

    value = insights(graph, media_id, metric="glances")[0]["values"][0]["value"]
    assert value == true_insights(graph)[media_id]["glances"] > 0
    assert "saved" not in true_insights(graph)[media_id]
    assert "metric[1] must be one of" in error_of(graph, f"{media_id}/insights", metric="reach,saved")[3]


def test_a_breakdown_of_profile_activity_adds_up_and_another_one_is_an_error(graph: Graph, media: list[dict[str, Any]]) -> None:
    path = first_of(media, "CAROUSEL_ALBUM")
    entry = insights(graph, path, metric="profile_activity", breakdown="action_type")[0]
    results = entry["total_value"]["breakdowns"][0]["results"]

    assert sum(result["value"] for result in results) == entry["values"][0]["value"] > 0
    rows = [row for row in truth(graph, TODAY, TODAY)["media_insights"] if row["media_id"] == path and row["breakdown"]]
    assert {(r["dimension_values"][0], r["value"]) for r in results} == {(row["breakdown_value"], row["value"]) for row in rows}
    assert error_of(graph, f"{path}/insights", metric="reach", breakdown="follow_type")[:2] == (500, 1)
    assert "does not support the period day" in error_of(graph, f"{path}/insights", metric="reach", period="day")[3]


def test_media_calls_count_against_the_account_also_in_a_batch(media: list[dict[str, Any]]) -> None:
    graph = new_graph()
    control(graph, "limits", {"per_impression": 1, "impressions": 4}, {})
    batch = [{"method": "GET", "relative_url": f"{row['media_id']}/insights?metric=reach"} for row in media[:3]]
    codes = [operation["code"] for operation in call(graph, "", "POST", batch=batch)[1]]
    response, _ = call(graph, ACCOUNT)

    assert codes == [200, 200, 200]
    usage = json.loads(response.headers["X-Business-Use-Case-Usage"])
    assert list(usage) == [ACCOUNT] and (usage[ACCOUNT][0]["type"], usage[ACCOUNT][0]["call_count"]) == ("instagram", 100)
    assert error_of(graph, f"{ACCOUNT}/media")[:2] == (400, 80002)


def test_media_need_the_scopes_of_the_account(graph: Graph, media: list[dict[str, Any]]) -> None:
    media_id = media[0]["media_id"]
    basic = graph.identity.mint("USER", scopes=("instagram_basic",), now=NOW, life=None).value
    other_page = graph.identity.mint("PAGE", scopes=("instagram_basic",), now=NOW, life=None, page_id=OTHER_PAGE).value
    nothing = graph.identity.mint("USER", scopes=("ads_read",), now=NOW, life=None).value

    assert call(graph, media_id, token=basic)[1] == {"id": media_id}
    assert error_of(graph, f"{media_id}/insights", metric="reach", token=basic)[:2] == (400, 10)
    assert error_of(graph, media_id, token=other_page)[:3] == (400, 100, 33)
    assert {error_of(graph, f"{ACCOUNT}/{edge}", token=nothing)[:2] for edge in ("media", "stories")} == {(400, 10)}
