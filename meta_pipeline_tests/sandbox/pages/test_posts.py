"""Posts of Pages and their insights: listed newest first, edited, deleted, growing with age, equal to the truth."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.pages.catalogue import RETIRED
from meta_pipeline_tests.sandbox.client import NOW, advance, call, new_graph
from meta_pipeline_tests.sandbox.pages.client import PAGE, all_posts, error, get, page_token, truth

COMPLETE = [f"post_video_complete_views_{end}" for end in (
    "30s", "30s_paid", "30s_organic", "30s_autoplayed", "30s_clicked_to_play", "30s_unique", "paid", "organic",
    "paid_unique", "organic_unique",
)]
# docs/graph-api.md §3.3, repeated independently of the code.
DOCUMENTED = [
    "post_media_view", "post_total_media_view_unique", "post_clicks", "post_clicks_by_type", "post_reactions_by_type_total",
    *(f"post_reactions_{name}_total" for name in ("like", "love", "wow", "haha", "sorry", "anger")),
    *(f"post_video_views{end}" for end in ("", "_organic", "_paid", "_15s", "_autoplayed", "_clicked_to_play")), *COMPLETE,
    "post_video_avg_time_watched", "post_video_length",
    *(f"post_video_retention_graph{end}" for end in ("", "_clicked_to_play", "_autoplayed")),
]
INVALID_METRIC = (400, 100, "(#100) The value must be a valid insights metric")
DAYS = ("2026-11-01", "2026-11-02")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return new_graph()


def posts_truth(graph: Graph) -> list[dict[str, Any]]:
    return truth(graph, *DAYS)["posts"]


def insights_truth(graph: Graph, post_id: str) -> dict[str, Any]:
    rows = truth(graph, *DAYS)["post_insights"]
    return {row["metric"]: row["value"] for row in rows if row["post_id"] == post_id and not row["breakdown"]}


def post_of(graph: Graph, status_type: str) -> str:
    return next(str(post["post_id"]) for post in posts_truth(graph) if post["status_type"] == status_type and not post["is_deleted"])


@pytest.mark.parametrize("edge", ["posts", "published_posts", "feed"])
@pytest.mark.parametrize("limit", ["7", "100"])
def test_a_listing_has_every_post_that_is_not_deleted_newest_first(graph: Graph, edge: str, limit: str) -> None:
    fields = "id,created_time,updated_time,message,permalink_url,status_type"
    posts, params = list[dict[str, Any]](), {"fields": fields, "limit": limit}
    while True:
        page = get(graph, f"{PAGE}/{edge}", **params)
        posts += page["data"]
        if "next" not in page["paging"]:
            break
        params["after"] = page["paging"]["cursors"]["after"]
    expected = [post for post in posts_truth(graph) if not post["is_deleted"]]

    assert [post["id"] for post in posts] == [post["post_id"] for post in expected]
    assert posts == [{"id": post["post_id"], **{name: post[name] for name in fields.split(",")[1:]}} for post in expected]
    times = [post["created_time"] for post in posts]
    assert times == sorted(times, reverse=True) and len(posts) < len(posts_truth(graph)) == 60


def test_a_page_of_posts_has_at_most_a_hundred() -> None:
    graph = new_graph()
    control(graph, "world", {"posts_per_page": 300}, {})

    assert len(get(graph, f"{PAGE}/posts", limit="500")["data"]) == 100
    assert len(posts_truth(graph)) == 300
    assert len(all_posts(graph, limit="500")) == sum(not post["is_deleted"] for post in posts_truth(graph)) > 200


def test_posts_that_appear_or_vanish_between_two_pages_do_not_disturb_paging() -> None:
    graph = new_graph()
    before = [post["id"] for post in all_posts(graph)]
    first = get(graph, f"{PAGE}/posts", limit="10")
    control(graph, "posts", {"id": before[2], "delete": True}, {})
    advance(graph, days=30)
    second = get(graph, f"{PAGE}/posts", limit="10", after=first["paging"]["cursors"]["after"])

    assert [post["id"] for post in first["data"] + second["data"]][:19] == before[:19]
    assert all_posts(graph)[0]["id"] not in before
    assert error(graph, f"{PAGE}/posts", after="!")[:2] == (400, 100)


def test_since_and_until_select_by_the_time_of_publication(graph: Graph) -> None:
    selected = all_posts(graph, since="2026-03-01", until="2026-06-01")
    times = [post["created_time"][:10] for post in all_posts(graph)]

    assert [post["created_time"][:10] for post in selected] == [day for day in times if "2026-03-01" <= day < "2026-06-01"]
    assert 4 < len(selected) < len(times)


def test_a_deleted_post_is_neither_listed_nor_read(graph: Graph) -> None:
    deleted = [post for post in posts_truth(graph) if post["is_deleted"]]
    assert deleted and all(post["deleted_at"] > post["created_time"] for post in deleted)

    for path in (deleted[0]["post_id"], f"{deleted[0]['post_id']}/insights"):
        body = call(graph, path, token=page_token(graph), metric="post_clicks")[1]["error"]
        assert (body["code"], body["error_subcode"]) == (100, 33)
    assert insights_truth(graph, deleted[0]["post_id"]) == {}


def test_an_edited_post_has_another_message_and_a_later_update() -> None:
    graph = new_graph()
    control(graph, "world", {"posts_per_page": 300}, {})
    post = next(post for post in posts_truth(graph) if post["is_edited"] and not post["is_deleted"])
    edited = get(graph, post["post_id"], fields="message,created_time,updated_time")
    graph.fixed_now = dt.datetime.fromisoformat(post["updated_time"]) - dt.timedelta(seconds=1)
    before = get(graph, post["post_id"], fields="message,created_time,updated_time")

    assert edited["message"] == post["message"] != before["message"]
    assert edited["updated_time"] > edited["created_time"] == before["created_time"] == before["updated_time"]


def test_control_calls_edit_and_delete_a_post_from_an_instant_on() -> None:
    graph = new_graph()
    post_id = all_posts(graph)[3]["id"]
    later = NOW + dt.timedelta(hours=2)
    control(graph, "posts", {"id": post_id, "message": "Corrected"}, {})
    control(graph, "posts", {"id": post_id, "delete": True, "at": later.isoformat()}, {})

    assert get(graph, post_id, fields="message,updated_time") == {
        "message": "Corrected", "updated_time": "2026-11-20T12:00:00+0000", "id": post_id,
    }
    graph.fixed_now = later
    assert post_id not in {post["id"] for post in all_posts(graph)}
    assert next(post for post in posts_truth(graph) if post["post_id"] == post_id)["is_deleted"]
    with pytest.raises(ValueError, match="no post"):
        control(graph, "posts", {"id": f"{PAGE}_1", "delete": True}, {})


@pytest.mark.parametrize("status_type", ["added_video", "added_photos", "shared_story", "mobile_status_update"])
def test_every_documented_metric_of_a_post_equals_the_truth(graph: Graph, status_type: str) -> None:
    post_id = post_of(graph, status_type)
    data = get(graph, f"{post_id}/insights", metric=",".join(DOCUMENTED))["data"]
    values = {record["name"]: record["values"][0]["value"] for record in data}

    assert [record["name"] for record in data] == DOCUMENTED and {record["period"] for record in data} == {"lifetime"}
    assert all(set(record["values"][0]) == {"value"} for record in data)
    assert values == {name: value for name, value in insights_truth(graph, post_id).items() if name in DOCUMENTED}
    assert sum(values["post_reactions_by_type_total"].values()) == sum(
        values[f"post_reactions_{name}_total"] for name in ("like", "love", "wow", "haha", "sorry", "anger"))
    assert sum(values["post_clicks_by_type"].values()) == values["post_clicks"] > 0
    assert values["post_video_views_paid"] + values["post_video_views_organic"] == values["post_video_views"]
    assert (values["post_video_views"] > 0) == (status_type == "added_video") == (values["post_video_length"] > 0)


@pytest.mark.parametrize("breakdown", ["is_from_ads", "is_from_followers"])
def test_a_breakdown_of_a_posts_views_adds_up(graph: Graph, breakdown: str) -> None:
    for post in all_posts(graph)[:20]:
        (record,) = get(graph, f"{post['id']}/insights", metric="post_media_view", breakdown=breakdown)["data"]
        assert {value[breakdown] for value in record["values"]} <= {"0", "1"}
        assert sum(value["value"] for value in record["values"]) == insights_truth(graph, post["id"])["post_media_view"]


def test_one_request_lists_posts_with_their_insights(graph: Graph) -> None:
    fields = "id,message,insights.metric(post_media_view,post_clicks){name,values,period}"
    posts = get(graph, f"{PAGE}/posts", fields=fields, limit="20")["data"]

    assert len(posts) == 20
    for post in posts:
        expected = insights_truth(graph, post["id"])
        assert [(r["name"], r["period"], r["values"]) for r in post["insights"]["data"]] == [
            (name, "lifetime", [{"value": expected[name]}]) for name in ("post_media_view", "post_clicks")
        ]
    expanded = get(graph, f"{PAGE}/posts", fields="insights.metric(post_media_view).breakdown(is_from_ads)", limit="1")["data"][0]
    edge = get(graph, f"{expanded['id']}/insights", metric="post_media_view", breakdown="is_from_ads")
    assert expanded["insights"]["data"] == edge["data"]


@pytest.mark.parametrize("metric", ["post_nonsense", "page_media_view", *sorted(name for name in RETIRED if name.startswith("post_"))])
def test_a_dead_metric_fails_the_whole_listing(graph: Graph, metric: str) -> None:
    post_id = post_of(graph, "added_video")

    assert error(graph, f"{PAGE}/posts", fields=f"id,insights.metric(post_clicks,{metric})") == INVALID_METRIC
    assert error(graph, f"{post_id}/insights", metric=f"post_clicks,{metric}") == INVALID_METRIC
    assert error(graph, f"{PAGE}/posts", fields="id,insights.metric(post_clicks).period(week)")[:2] == (400, 100)
    assert error(graph, f"{PAGE}/posts", fields="id,insights")[:2] == (400, 3001)


def test_without_read_insights_the_posts_are_listed_and_their_insights_are_empty(graph: Graph) -> None:
    token, post_id = page_token(graph, without="read_insights"), post_of(graph, "added_video")

    assert get(graph, f"{post_id}/insights", token=token, metric="post_clicks") == {"data": []}
    listed = get(graph, f"{PAGE}/posts", token=token, fields="id,insights.metric(post_clicks)")["data"]
    assert len(listed) == 25 and all(post["insights"] == {"data": []} for post in listed)
    assert error(graph, f"{post_id}/insights", token=token, metric="post_impressions") == INVALID_METRIC


@pytest.mark.parametrize(("edge", "named"), [
    ("likes", "pages_read_engagement"), ("reactions", "pages_read_user_content"), ("comments", "pages_read_user_content"),
])
def test_peoples_reactions_need_a_permission_that_metas_message_may_name_wrongly(graph: Graph, edge: str, named: str) -> None:
    post_id, allowed = post_of(graph, "added_photos"), page_token(graph, more=("pages_read_user_content",))

    for path, params in ((f"{post_id}/{edge}", {}), (f"{PAGE}/feed", {"fields": f"id,{edge}.summary(true).limit(0)"})):
        status, code, message = error(graph, path, **params)
        assert (status, code) == (403, 10) and named in message
    summary = get(graph, f"{post_id}/{edge}", token=allowed, summary="total_count")["summary"]
    listed = get(graph, f"{PAGE}/feed", token=allowed, fields=f"id,{edge}.summary(true).limit(0)")["data"]
    assert next(post for post in listed if post["id"] == post_id)[edge] == {"data": [], "summary": summary}


def test_lifetime_values_never_fall_and_saturate() -> None:
    graph = new_graph()
    post = next(
        post for post in posts_truth(graph)
        if post["status_type"] == "added_video" and not post["is_deleted"] and post["created_time"] < "2026-08"
    )
    post_id, created = post["post_id"], dt.datetime.fromisoformat(post["created_time"])
    graph.fixed_now = created + dt.timedelta(hours=1)
    before = insights_truth(graph, post_id)
    by_day = []
    for _ in range(60):
        advance(graph, days=1)
        after = insights_truth(graph, post_id)
        numbers = [name for name, value in after.items() if isinstance(value, int)]
        assert all(after[name] >= before[name] for name in numbers) and len(numbers) > 20
        by_day.append(after["post_media_view"] - before["post_media_view"])
        before = after
    assert by_day[0] > 10 * by_day[-1] and sum(by_day) > 0
    first_hour = truth(graph, *DAYS, at=(created + dt.timedelta(hours=1)).isoformat())
    assert first_hour["posts"][0]["post_id"] == post_id


def test_lifetime_values_change_at_full_hours_only() -> None:
    graph = new_graph()
    post_id = all_posts(graph)[0]["id"]
    read = [insights_truth(graph, post_id)["post_media_view"]]
    for minutes in (30, 29, 1):
        advance(graph, minutes=minutes)
        read.append(insights_truth(graph, post_id)["post_media_view"])

    assert read[0] == read[1] == read[2] < read[3]


def test_a_lifetime_belongs_to_the_window_of_the_latest_day_and_not_to_the_next(graph: Graph) -> None:
    body = get(graph, f"{post_of(graph, 'added_photos')}/insights", metric="post_media_view")
    windows = {
        name: dict(part.split("=") for part in body["paging"][name].partition("?")[2].split("&"))
        for name in ("previous", "next")
    }

    assert len(body["data"]) == 1
    for window in windows.values():
        assert get(graph, f"{post_of(graph, 'added_photos')}/insights", **window)["data"] == []


def test_a_posts_days_add_up_to_its_lifetime() -> None:
    graph = new_graph()
    control(graph, "world", {"posts_per_page": 300}, {})
    graph.fixed_now = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)  # Pacific midnight
    post = next(post for post in posts_truth(graph) if post["status_type"] == "added_video" and not post["is_deleted"])
    (record,) = get(
        graph, f"{post['post_id']}/insights", metric="post_video_views", period="day", since="2026-09-15", until="2026-11-20",
    )["data"]

    assert record["values"][0]["end_time"] > post["created_time"]
    assert sum(value["value"] for value in record["values"]) == insights_truth(graph, post["post_id"])["post_video_views"] > 0


def test_a_new_and_a_retired_metric_of_posts() -> None:
    graph = new_graph()
    control(graph, "world", {
        "new_metrics": {"post_new_metric": {"on": "post", "average": 900}},
        "retired_metrics": {"post_clicks": NOW.isoformat()},
    }, {})
    post_id = all_posts(graph)[-1]["id"]

    assert get(graph, f"{post_id}/insights", metric="post_new_metric")["data"][0]["values"][0]["value"] > 100
    assert "post_new_metric" in insights_truth(graph, post_id) and "post_clicks" not in insights_truth(graph, post_id)
    assert error(graph, f"{post_id}/insights", metric="post_clicks") == INVALID_METRIC
    assert error(graph, f"{PAGE}/insights", metric="post_new_metric") == INVALID_METRIC
