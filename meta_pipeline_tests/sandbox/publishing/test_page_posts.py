"""Publishing on a Page: posts are listed, scheduled, processed, limited and removed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline_tests.sandbox.client import NOW, advance, call, new_graph
from meta_pipeline_tests.sandbox.pages.client import PAGE, all_posts, page_token, truth

PHOTO = "https://cdn.example/a.jpg"


@pytest.fixture
def graph() -> Graph:
    return new_graph()


def token(graph: Graph, **options: Any) -> str:
    return page_token(graph, **{"more": ("pages_manage_posts",), **options})


def post(graph: Graph, edge: str, **params: Any) -> Any:
    return call(graph, f"{PAGE}/{edge}", "POST", token=token(graph), **params)[1]


def upload(graph: Graph, url: str, content: bytes, *, offset: int = 0, size: int | None = None, **headers: str) -> Any:
    """Send a piece to the host for files, and return the body of the response, or None if the connection broke."""
    response = graph.answer(GraphRequest(
        method="POST", path=url.removeprefix("http://sandbox/"), version="v26.0", params={}, base_url="http://sandbox",
        body=content, headers={
            "authorization": f"OAuth {token(graph)}", "offset": str(offset), "file_size": str(size or len(content)), **headers,
        },
    ))
    return response.body if response.status != 504 else None


def video_status(graph: Graph, video_id: str) -> dict[str, Any]:
    status: dict[str, Any] = call(graph, video_id, token=token(graph), fields="status,post_id")[1]
    return status


def test_published_posts_are_listed_and_have_insights(graph: Graph) -> None:
    ids = [
        post(graph, "feed", message="Hello")["id"], post(graph, "feed", link="https://example.com", message="Look")["id"],
        post(graph, "photos", url=PHOTO, message="A photo")["post_id"],
    ]
    listed = all_posts(graph, fields="id,message,status_type,is_published", limit="5")[:3]

    assert sorted(ids) == sorted(row["id"] for row in listed)
    assert {("Hello", "mobile_status_update"), ("Look", "shared_story"), ("A photo", "added_photos")} == {
        (row["message"], row["status_type"]) for row in listed
    }
    advance(graph, hours=30)
    rows = call(graph, f"{ids[2]}/insights", token=token(graph), metric="post_media_view")[1]["data"]
    assert rows[0]["values"][0]["value"] > 0
    assert set(ids) <= {row["post_id"] for row in truth(graph, "2026-11-19", "2026-11-20")["posts"]}


def test_photos_are_attached_to_one_post(graph: Graph) -> None:
    photos = [post(graph, "photos", url=PHOTO, published="false")["id"] for _ in range(3)]
    before = len(all_posts(graph, fields="id"))
    made = post(graph, "feed", message="Three", attached_media=[{"media_fbid": id} for id in photos])

    assert len(all_posts(graph, fields="id")) == before + 1
    assert call(graph, made["id"], token=token(graph), fields="status_type")[1]["status_type"] == "added_photos"
    assert post(graph, "feed", message="x", attached_media=[{"media_fbid": "1"}])["error"]["code"] == 100


def test_a_scheduled_post_waits_for_its_time(graph: Graph) -> None:
    at = int((NOW + dt.timedelta(hours=2)).timestamp())
    made = post(graph, "feed", message="Later", published="false", scheduled_publish_time=str(at))["id"]
    scheduled = call(graph, f"{PAGE}/scheduled_posts", token=token(graph), fields="id,scheduled_publish_time,is_published")[1]

    assert scheduled["data"] == [{"id": made, "scheduled_publish_time": at, "is_published": False}]
    assert made not in {row["id"] for row in all_posts(graph, fields="id")}
    advance(graph, hours=3)
    assert all_posts(graph, fields="id", limit="1")[0]["id"] == made
    assert call(graph, f"{PAGE}/scheduled_posts", token=token(graph))[1]["data"] == []


@pytest.mark.parametrize("seconds", [0, 599, 31 * 86_400])
def test_a_time_out_of_the_window_is_refused(graph: Graph, seconds: int) -> None:
    at = str(int((NOW + dt.timedelta(seconds=seconds)).timestamp()))

    assert post(graph, "feed", message="x", published="false", scheduled_publish_time=at)["error"]["error_subcode"] == 1366045


def test_a_reel_is_uploaded_with_a_broken_connection_and_published_after_its_processing(graph: Graph) -> None:
    start = post(graph, "video_reels", upload_phase="start")
    content = bytes(range(250)) * 4
    graph.faults.plan([{"fault": "upload_broken", "path": "video-upload"}])

    assert upload(graph, start["upload_url"], content) is None
    done = video_status(graph, start["video_id"])["status"]["uploading_phase"]["bytes_transfered"]
    assert done == 500
    assert "debug_info" in upload(graph, start["upload_url"], content)  # it can't start again from the beginning
    finish = {"upload_phase": "finish", "video_id": start["video_id"], "video_state": "PUBLISHED", "description": "Reel"}
    assert "error" in post(graph, "video_reels", **finish)
    assert upload(graph, start["upload_url"], content[done:], offset=done, size=len(content)) == {
        "success": True, "message": "Upload successful.",
    }
    assert post(graph, "video_reels", **finish) == {"success": True}
    assert video_status(graph, start["video_id"])["status"]["video_status"] == "processing"
    advance(graph, seconds=30)
    ready = video_status(graph, start["video_id"])
    assert ready["status"]["publishing_phase"]["publish_status"] == "published"
    assert all_posts(graph, fields="id,message", limit="1")[0] == {"id": ready["post_id"], "message": "Reel"}
    assert [row["id"] for row in call(graph, f"{PAGE}/video_reels", token=token(graph))[1]["data"]] == [start["video_id"]]


def test_a_video_is_fetched_and_its_processing_can_fail(graph: Graph) -> None:
    graph.publishing.options.failing = ["broken"]
    good, bad = (
        post(graph, "videos", file_url=f"https://cdn.example/{name}.mp4", description=name)["id"] for name in ("good", "broken")
    )
    advance(graph, seconds=30)

    assert video_status(graph, good)["status"]["video_status"] == "ready"
    assert video_status(graph, bad)["status"]["video_status"] == "error"
    assert next(row.get("message") for row in all_posts(graph, fields="message", limit="1")) == "good"


def test_reels_are_limited_within_a_day(graph: Graph) -> None:
    graph.publishing.options.reels_per_day = 1
    answers = []
    for _ in range(2):
        start = post(graph, "video_reels", upload_phase="start")
        upload(graph, start["upload_url"], b"x")
        answers.append(post(graph, "video_reels", upload_phase="finish", video_id=start["video_id"], video_state="PUBLISHED"))

    assert [answer.get("error", {}).get("code") for answer in answers] == [None, 9]


def test_stories_are_listed_for_a_day(graph: Graph) -> None:
    photo = post(graph, "photos", url=PHOTO, published="false")["id"]
    first = post(graph, "photo_stories", photo_id=photo)["post_id"]
    start = post(graph, "video_stories", upload_phase="start")
    upload(graph, start["upload_url"], b"", file_url="https://cdn.example/v.mp4")
    second = post(graph, "video_stories", upload_phase="finish", video_id=start["video_id"])["post_id"]
    advance(graph, minutes=1)

    def stories() -> list[tuple[str, str]]:
        return [(row["post_id"], row["media_type"]) for row in call(graph, f"{PAGE}/stories", token=token(graph))[1]["data"]]

    assert stories() == [(second, "video"), (first, "photo")]
    advance(graph, hours=24)
    assert stories() == []


def test_a_post_is_edited_declared_and_deleted(graph: Graph) -> None:
    id = post(graph, "feed", message="Hello")["id"]

    assert call(graph, id, "POST", token=token(graph), message="Hello!")[1] == {"success": True}
    assert call(graph, id, "POST", token=token(graph), is_ai_generated="true", version="v26.0")[1]["error"]["code"] == 100
    assert call(graph, id, "POST", token=token(graph), is_ai_generated="true", version="v27.0")[1] == {"success": True}
    assert call(graph, id, token=token(graph), fields="message")[1]["message"] == "Hello!"
    assert call(graph, id, "DELETE", token=token(graph))[1] == {"success": True}
    assert call(graph, id, token=token(graph))[1]["error"]["error_subcode"] == 33


@pytest.mark.parametrize("edge", ["feed", "photos", "videos", "video_reels", "photo_stories", "video_stories"])
def test_publishing_needs_the_pages_token_the_permission_and_the_task(graph: Graph, edge: str) -> None:
    def refused(text: str) -> Any:
        return call(graph, f"{PAGE}/{edge}", "POST", token=text, message="x")[1]["error"]["code"]

    assert refused(graph.identity.system_user_token) == 190
    assert refused(page_token(graph)) == 200
    graph.access.tasks[PAGE] = ["ANALYZE", "MODERATE"]
    assert refused(token(graph)) == 200
