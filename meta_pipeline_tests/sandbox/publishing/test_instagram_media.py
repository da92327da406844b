"""Publishing on Instagram: containers, their status over time, the quota, and the media that they become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.world.cast import PAGES
from meta_pipeline_tests.sandbox.client import NOW, advance, call, new_graph

ACCOUNT = PAGES[0].instagram_id
IMAGE, VIDEO = "https://cdn.example/a.jpg", "https://cdn.example/v.mp4"


@pytest.fixture
def graph() -> Graph:
    return new_graph()


def token(graph: Graph, *more: str) -> str:
    return graph.identity.mint(
        "USER", scopes=(*ALL_SCOPES, "instagram_content_publish", *more), now=graph.now(), life=None
    ).value


def post(graph: Graph, edge: str = "media", **params: Any) -> Any:
    return call(graph, f"{ACCOUNT}/{edge}", "POST", token=token(graph), **params)[1]


def get(graph: Graph, path: str, **params: Any) -> Any:
    return call(graph, path, token=token(graph), **params)[1]


def status(graph: Graph, container_id: str) -> str:
    return str(get(graph, container_id, fields="status_code")["status_code"])


def publish(graph: Graph, container_id: str) -> Any:
    return post(graph, "media_publish", creation_id=container_id)


def test_an_image_is_published_at_once(graph: Graph) -> None:
    container = post(graph, image_url=IMAGE, caption="Hello #shop", is_ai_generated="true")["id"]

    assert status(graph, container) == "FINISHED"
    media = publish(graph, container)["id"]
    assert status(graph, container) == "PUBLISHED"
    listed = get(graph, f"{ACCOUNT}/media", fields="id,caption,media_type,is_ai_generated", limit="1")["data"]
    assert listed == [{"id": media, "caption": "Hello #shop", "media_type": "IMAGE", "is_ai_generated": True}]
    assert publish(graph, container)["error"]["code"] == 100
    advance(graph, hours=30)
    assert get(graph, f"{media}/insights", metric="views")["data"][0]["values"][0]["value"] > 0


def test_a_reel_is_processed_first_and_may_fail(graph: Graph) -> None:
    graph.publishing.options.failing = ["broken"]
    good = post(graph, media_type="REELS", video_url=VIDEO, caption="Reel")["id"]
    bad = post(graph, media_type="REELS", video_url=VIDEO, caption="broken")["id"]

    assert status(graph, good) == "IN_PROGRESS"
    assert publish(graph, good)["error"]["error_subcode"] == 2207027
    advance(graph, seconds=30)
    assert [status(graph, each) for each in (good, bad)] == ["FINISHED", "ERROR"]
    media = publish(graph, good)["id"]
    assert get(graph, media, fields="media_product_type")["media_product_type"] == "REELS"


def test_a_container_expires_after_a_day(graph: Graph) -> None:
    container = post(graph, image_url=IMAGE)["id"]
    advance(graph, hours=24)

    assert status(graph, container) == "EXPIRED"
    assert (publish(graph, container)["error"]["code"], publish(graph, container)["error"]["error_subcode"]) == (-2, 2207020)


def test_a_carousel_has_its_children_in_order(graph: Graph) -> None:
    items = [
        post(graph, image_url=IMAGE, is_carousel_item="true")["id"],
        post(graph, media_type="VIDEO", video_url=VIDEO, is_carousel_item="true")["id"],
    ]

    def create(children: list[str]) -> Any:
        return post(graph, media_type="CAROUSEL", children=json.dumps(children), caption="Both")

    assert create(items)["error"]["error_subcode"] == 2207061  # one is in progress
    advance(graph, seconds=30)
    assert create(items[:1])["error"]["error_subcode"] == 2207068
    media = publish(graph, create(items)["id"])["id"]
    assert get(graph, media, fields="media_type")["media_type"] == "CAROUSEL_ALBUM"
    assert len(get(graph, f"{media}/children")["data"]) == 2
    assert publish(graph, items[0])["error"]["code"] == 24


def test_a_story_is_live_for_a_day(graph: Graph) -> None:
    container = post(graph, media_type="STORIES", image_url=IMAGE)["id"]
    story = publish(graph, container)["id"]

    assert story in {row["id"] for row in get(graph, f"{ACCOUNT}/stories")["data"]}
    assert story not in {row["id"] for row in get(graph, f"{ACCOUNT}/media", limit="5")["data"]}
    advance(graph, hours=24)
    assert story not in {row["id"] for row in get(graph, f"{ACCOUNT}/stories")["data"]}


def test_the_quota_is_counted_within_a_day(graph: Graph) -> None:
    graph.publishing.options.instagram_quota = 2

    def usage(**params: str) -> Any:
        return get(graph, f"{ACCOUNT}/content_publishing_limit", fields="quota_usage,config", **params)["data"][0]

    for _ in range(2):
        publish(graph, post(graph, image_url=IMAGE)["id"])
        advance(graph, hours=1)
    refused = publish(graph, post(graph, image_url=IMAGE)["id"])["error"]

    assert (refused["code"], refused["error_subcode"]) == (9, 2207042)
    assert usage() == {"quota_usage": 2, "config": {"quota_total": 2, "quota_duration": 86_400}}
    assert usage(since=str(int(NOW.timestamp()) + 60))["quota_usage"] == 1
    advance(graph, hours=22, minutes=1)
    assert usage()["quota_usage"] == 1


def test_a_file_is_uploaded_in_pieces(graph: Graph) -> None:
    container = post(graph, media_type="REELS", upload_type="resumable", caption="File")
    auth = token(graph)

    def upload(content: bytes, offset: int) -> Any:
        return graph.answer(GraphRequest(
            method="POST", path=container["uri"].removeprefix("http://sandbox/"), version="v26.0", params={},
            base_url="http://sandbox", body=content,
            headers={"authorization": f"OAuth {auth}", "offset": str(offset), "file_size": "6"},
        )).body

    assert upload(b"abc", 0)["success"]
    phase = get(graph, container["id"], fields="video_status,status_code")
    assert (phase["status_code"], phase["video_status"]["uploading_phase"]["bytes_transferred"]) == ("IN_PROGRESS", 3)
    assert upload(b"def", 3)["success"]
    status(graph, container["id"])
    advance(graph, seconds=30)
    assert status(graph, container["id"]) == "FINISHED"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"image_url": IMAGE, "caption": "x" * 2_201}, 100), ({"image_url": IMAGE, "caption": "#a " * 31}, 100),
        ({"image_url": "ftp://x"}, 9004), ({"media_type": "VIDEO", "video_url": VIDEO}, 100), ({}, 100),
        ({"media_type": "REELS", "image_url": IMAGE}, 100), ({"media_type": "IGTV", "video_url": VIDEO}, 100),
    ],
)
def test_parameters_that_instagram_does_not_accept_are_refused(graph: Graph, params: dict[str, str], code: int) -> None:
    assert post(graph, **params)["error"]["code"] == code


def test_publishing_needs_the_permission_and_the_task_and_deleting_another_permission(graph: Graph) -> None:
    def refused(text: str) -> Any:
        return call(graph, f"{ACCOUNT}/media", "POST", token=text, image_url=IMAGE)[1]["error"]["code"]

    media = publish(graph, post(graph, image_url=IMAGE)["id"])["id"]

    assert refused(graph.identity.system_user_token) == 10
    assert call(graph, media, "DELETE", token=token(graph))[1]["error"]["code"] == 10
    assert call(graph, media, "DELETE", token=token(graph, "instagram_manage_contents"))[1] == {"success": True}
    assert get(graph, media)["error"]["error_subcode"] == 33
    graph.access.tasks[PAGES[0].id] = ["ANALYZE"]
    assert refused(token(graph)) == 200
