"""Creatives: their fields, their pictures, and incomplete creatives."""

from __future__ import annotations

import pytest
import requests

from harness.sandbox import Sandbox
from meta_pipeline.sandbox.control import control
from meta_pipeline_tests.sandbox.client import advance, call, fetch_all, new_graph

ACCOUNT = "act_1000000001"
FIELDS = (
    "id,name,status,title,body,object_type,thumbnail_url,image_hash,image_url,video_id,object_story_id,"
    "object_story_spec,effective_object_story_id,url_tags,call_to_action_type,instagram_permalink_url,account_id"
)


def test_every_ad_has_a_creative_that_is_listed_and_readable_by_id() -> None:
    graph = new_graph()
    listed = fetch_all(graph, f"{ACCOUNT}/adcreatives", fields=FIELDS, limit="25")
    ads = fetch_all(graph, f"{ACCOUNT}/ads", fields="creative{id,title}", limit="500")

    assert len({creative["id"] for creative in listed}) == len(listed) == 60
    assert {ad["creative"]["id"] for ad in ads} <= {creative["id"] for creative in listed}
    assert call(graph, listed[7]["id"], fields=FIELDS)[1] == listed[7]
    assert {creative["object_type"] for creative in listed} == {"VIDEO", "SHARE"}
    for creative in listed:
        page_id = creative["object_story_spec"]["page_id"]
        assert creative["effective_object_story_id"].startswith(page_id + "_")
        assert ("video_id" in creative) == (creative["object_type"] == "VIDEO") != ("image_hash" in creative)
    assert all(set(ad["creative"]) == {"id", "title"} for ad in ads)


@pytest.mark.parametrize(("account", "page_id"), [(ACCOUNT, "3000000000001"), ("act_1000000005", "3000000000002")])
def test_an_ad_set_promotes_the_page_of_its_creatives(account: str, page_id: str) -> None:
    graph = new_graph()
    ad_sets = fetch_all(graph, f"{account}/adsets", fields="promoted_object", limit="500")
    creatives = fetch_all(graph, f"{account}/adcreatives", fields="object_story_spec", limit="25")

    assert {creative["object_story_spec"]["page_id"] for creative in creatives} == {page_id}
    assert {ad_set["promoted_object"]["page_id"] for ad_set in ad_sets} == {page_id}


def test_an_ad_names_its_creative_by_id_alone() -> None:
    ads = fetch_all(new_graph(), f"{ACCOUNT}/ads", fields="creative", limit="500")

    assert all(set(ad["creative"]) == {"id"} for ad in ads)


def test_a_picture_is_a_png_whose_link_expires(sandbox: Sandbox) -> None:
    headers = {"authorization": f"Bearer {sandbox.app['system_user_token']}"}
    listed = requests.get(f"{sandbox.url}/v26.0/{ACCOUNT}/adcreatives", {"fields": "thumbnail_url"}, headers=headers, timeout=30)
    url = listed.json()["data"][0]["thumbnail_url"]
    assert url.startswith(sandbox.url)
    fresh = requests.get(url, timeout=30)
    forged = requests.get(url.replace("oe=", "oe=f"), timeout=30)
    sandbox.control("clock", {"now": "2026-11-24T12:00:00+00:00"})
    old = requests.get(url, timeout=30)

    assert (fresh.status_code, fresh.headers["content-type"]) == (200, "image/png")
    assert fresh.content.startswith(b"\x89PNG") and fresh.content.endswith(b"IEND\xaeB`\x82")
    assert (forged.status_code, old.status_code) == (403, 403)


def test_an_incomplete_creative_fails_its_page_and_itself() -> None:
    graph = new_graph()
    control(graph, "world", {"incomplete_creatives": 1}, {})
    response, body = call(graph, f"{ACCOUNT}/adcreatives", fields="id,title", limit="25")
    error = body["error"]

    assert (response.status, error["code"], error["error_subcode"]) == (400, 100, 2446289)
    assert error["error_user_title"] == "Ad Creative Is Incomplete" and error["is_transient"] is False
    ids = [creative["id"] for creative in fetch_all(graph, f"{ACCOUNT}/adcreatives", fields="id,name", limit="25")]
    statuses = {id: call(graph, id, fields="id,title")[0].status for id in ids}
    assert sorted(statuses.values()) == [200] * 59 + [400]
    assert call(graph, f"{ACCOUNT}/ads", fields="creative{id,title}", limit="500")[0].status == 400
    assert call(graph, f"{ACCOUNT}/ads", fields="creative{id}", limit="500")[0].status == 200


def test_an_incomplete_creative_may_lack_its_fields_instead() -> None:
    graph = new_graph()
    control(graph, "world", {"incomplete_creatives": 2, "incomplete_mode": "bare"}, {})
    listed = fetch_all(graph, f"{ACCOUNT}/adcreatives", fields="id,status,title,thumbnail_url", limit="25")

    bare = [creative for creative in listed if creative["status"] == "WITH_ISSUES"]
    assert [set(creative) for creative in bare] == [{"id", "status"}] * 2
    assert all({"title", "thumbnail_url"} <= set(creative) for creative in listed if creative not in bare)


@pytest.mark.parametrize(("fields", "limit", "status"), [("object_story_spec", "25", 500), ("object_story_spec", "10", 200), ("title", "25", 200)])
def test_too_many_heavy_creatives_are_too_much_for_a_page(fields: str, limit: str, status: int) -> None:
    graph = new_graph()
    control(graph, "limits", {"heavy_creatives_a_page": 10}, {})
    response, body = call(graph, f"{ACCOUNT}/adcreatives", fields=fields, limit=limit)

    assert response.status == status
    assert status == 200 or (body["error"]["code"] == 1 and "reduce the amount of data" in body["error"]["message"])


def test_the_link_is_the_same_for_an_hour() -> None:
    graph = new_graph()

    def url() -> str:
        return str(call(graph, f"{ACCOUNT}/adcreatives", fields="thumbnail_url", limit="1")[1]["data"][0]["thumbnail_url"])

    first = url()
    advance(graph, minutes=59)
    assert url() == first
    advance(graph, minutes=1)
    assert url() != first
