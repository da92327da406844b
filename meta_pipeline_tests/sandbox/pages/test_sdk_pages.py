"""The official SDK reads the sandbox's Page edges, with numbers equal to the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox

PAGE = "3000000000002"
DAYS = {"since": "2026-10-30", "until": "2026-11-20"}


@pytest.fixture
def api(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    """Yield the SDK with the Page's own token, as `me/accounts` returns it."""
    monkeypatch.setattr(FacebookSession, "GRAPH", shared_sandbox.url)
    app = shared_sandbox.app
    person = FacebookAdsApi.init(
        app["app_id"], app["app_secret"], app["system_user_token"], api_version="v26.0", crash_log=False
    )
    pages = User("me", api=person).get_accounts(fields=["id", "access_token"])
    token = next(page["access_token"] for page in pages if page["id"] == PAGE)
    yield FacebookAdsApi.init(app["app_id"], app["app_secret"], token, api_version="v26.0", crash_log=False)
    FacebookAdsApi.set_default_api(None)


@pytest.fixture
def truth(shared_sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    result: dict[str, list[dict[str, Any]]] = shared_sandbox.control(
        "truth/pages", since="2026-10-30", until="2026-11-19", page_id=PAGE
    )
    return result


@pytest.mark.parametrize("period", ["day", "week", "days_28"])
def test_it_reads_page_insights(api: FacebookAdsApi, truth: dict[str, list[dict[str, Any]]], period: str) -> None:
    metrics = ["page_media_view", "page_total_media_view_unique", "page_video_views", "page_views_total"]
    records = list(Page(PAGE, api=api).get_insights(params={"metric": metrics, "period": period, **DAYS}))
    expected: dict[str, list[int]] = {name: [] for name in metrics}
    for row in truth["page_insights"]:
        if row["metric"] in expected and row["period"] == period and not row["breakdown"]:
            expected[row["metric"]].append(row["value"])

    assert {record["name"]: [value["value"] for value in record["values"]] for record in records} == expected
    assert [len(record["values"]) for record in records] == [21] * 4


def test_it_reads_a_breakdown_and_the_audience(api: FacebookAdsApi, truth: dict[str, list[dict[str, Any]]]) -> None:
    page = Page(PAGE, api=api)
    (views,) = page.get_insights(params={"metric": ["page_media_view"], "period": "day", "breakdown": ["is_from_ads"], **DAYS})
    (cities,) = page.get_insights(params={"metric": ["page_follows_city"], "period": "lifetime"})

    assert [(value["is_from_ads"], value["value"]) for value in views["values"]] == [
        (row["breakdown_value"], row["value"]) for row in truth["page_insights"]
        if row["breakdown"] == "is_from_ads" and row["period"] == "day"
    ]
    assert cities["values"][-1]["value"] == {
        row["value"]: row["followers"] for row in truth["page_audience"]
        if row["dimension"] == "city" and row["day"] == "2026-11-19"
    }


def test_it_lists_posts_and_reads_their_insights(api: FacebookAdsApi, truth: dict[str, list[dict[str, Any]]]) -> None:
    posts = list(Page(PAGE, api=api).get_published_posts(fields=["id", "message", "created_time"], params={"limit": 9}))
    expected = [post for post in truth["posts"] if not post["is_deleted"]]
    names = ["post_media_view", "post_reactions_by_type_total", "post_video_views"]
    insights = PagePost(posts[5]["id"], api=api).get_insights(params={"metric": names})

    assert [(post["id"], post["message"]) for post in posts] == [(post["post_id"], post["message"]) for post in expected]
    assert [(record["name"], record["values"][0]["value"]) for record in insights] == [
        (row["metric"], row["value"]) for row in truth["post_insights"]
        if row["post_id"] == posts[5]["id"] and row["metric"] in names and not row["breakdown"]
    ]


def test_a_dead_metric_is_an_error_with_a_code_and_no_name(api: FacebookAdsApi) -> None:
    with pytest.raises(FacebookRequestError) as caught:
        Page(PAGE, api=api).get_insights(params={"metric": ["page_media_view", "page_impressions"], "period": "day"})

    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, None)
    assert caught.value.api_error_message() == "(#100) The value must be a valid insights metric"
