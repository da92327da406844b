"""The official SDK reads the sandbox's Instagram edges, with numbers equal to the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from facebook_business.adobjects.igmedia import IGMedia
from facebook_business.adobjects.iguser import IGUser
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox
from meta_pipeline_tests.sandbox.instagram.client import ACCOUNT

# The SDK knows the metrics of media only, and warns about those of accounts.
pytestmark = pytest.mark.filterwarnings("ignore:value of")
DAY = "2026-11-18"


@pytest.fixture
def account(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[IGUser]:
    monkeypatch.setattr(FacebookSession, "GRAPH", shared_sandbox.url)
    app = shared_sandbox.app
    api = FacebookAdsApi.init(
        app["app_id"], app["app_secret"], app["system_user_token"], api_version="v26.0", crash_log=False
    )
    yield IGUser(ACCOUNT, api=api)
    FacebookAdsApi.set_default_api(None)


@pytest.fixture(scope="module")
def truth(shared_sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    records: dict[str, list[dict[str, Any]]] = shared_sandbox.control("truth/instagram", since=DAY, until="2026-11-20")
    return records


def test_total_values_of_a_day(account: IGUser, truth: dict[str, list[dict[str, Any]]]) -> None:
    entries = account.get_insights(params={
        "metric": ["views", "likes", "total_interactions"], "period": ["day"], "metric_type": "total_value",
        "since": DAY, "until": "2026-11-19",
    })

    values = {entry["name"]: entry["total_value"]["value"] for entry in entries}
    assert values == {
        row["metric"]: row["value"] for row in truth["account_insights"]
        if (row["instagram_account_id"], row["day"], row["breakdown"]) == (ACCOUNT, DAY, "") and row["metric"] in values
    }
    assert len(values) == 3


def test_a_time_series_with_selected_fields(account: IGUser, truth: dict[str, list[dict[str, Any]]]) -> None:
    entries = list(account.get_insights(
        fields=["name", "values"], params={"metric": "reach", "period": "day", "since": DAY, "until": "2026-11-20"}))

    assert [set(entry.export_all_data()) for entry in entries] == [{"name", "values", "id"}]
    assert [(value["end_time"], value["value"]) for value in entries[0]["values"]] == [
        (f"2026-11-{int(row['day'][-2:]) + 1}T08:00:00+0000", row["value"]) for row in truth["account_insights"]
        if (row["instagram_account_id"], row["metric"], row["breakdown"]) == (ACCOUNT, "reach", "")
    ]


def test_demographics(account: IGUser, truth: dict[str, list[dict[str, Any]]]) -> None:
    entry = next(iter(account.get_insights(params={
        "metric": "engaged_audience_demographics", "period": "lifetime", "metric_type": "total_value",
        "timeframe": "this_week", "breakdown": "age,gender",
    })))

    results = {tuple(result["dimension_values"]): result["value"] for result in entry["total_value"]["breakdowns"][0]["results"]}
    assert results == {
        (row["dimensions"]["age"], row["dimensions"]["gender"]): row["value"] for row in truth["demographics"]
        if (row["instagram_account_id"], row["metric"], row["timeframe"]) == (ACCOUNT, "engaged_audience_demographics", "this_week")
        and row["dimensions"]["country"] is row["dimensions"]["city"] is None
        and row["dimensions"]["age"] and row["dimensions"]["gender"]
    }


def test_all_media_and_the_insights_of_one(account: IGUser, truth: dict[str, list[dict[str, Any]]]) -> None:
    media = list(account.get_media(fields=["media_type", "like_count", "timestamp"], params={"limit": 30}))
    expected = [row for row in truth["media"] if row["instagram_account_id"] == ACCOUNT and not row["is_deleted"]]

    assert [(item["id"], item["like_count"]) for item in media] == [(row["media_id"], row["like_count"]) for row in expected]
    metrics = ["reach", "likes", "comments", "saved", "total_likes"]
    values = {entry["name"]: entry["values"][0]["value"] for entry in media[5].get_insights(params={"metric": metrics})}
    assert values == {
        row["metric"]: row["value"] for row in truth["media_insights"]
        if row["media_id"] == media[5]["id"] and row["metric"] in metrics
    }
    assert set(values) == set(metrics)


def test_live_stories_and_their_insights(account: IGUser, truth: dict[str, list[dict[str, Any]]]) -> None:
    stories = list(account.get_stories(fields=["timestamp", "media_product_type"]))

    assert {story["media_product_type"] for story in stories} == {"STORY"}
    assert [story["id"] for story in stories] == [
        row["media_id"] for row in truth["stories"] if row["instagram_account_id"] == ACCOUNT and row["ended_at"] is None]
    for story in stories:
        values = {entry["name"]: entry["values"][0]["value"] for entry in story.get_insights(params={"metric": ["reach", "views"]})}
        assert values == {
            row["metric"]: row["value"] for row in truth["story_insights"]
            if row["media_id"] == story["id"] and row["metric"] in ("reach", "views")
        } != {}


def test_an_ended_story_is_an_error_with_a_subcode(account: IGUser, truth: dict[str, list[dict[str, Any]]]) -> None:
    ended = next(row["media_id"] for row in truth["stories"] if row["ended_at"])
    with pytest.raises(FacebookRequestError) as exc_info:
        IGMedia(ended, api=account.get_api()).get_insights(params={"metric": ["reach"]})

    assert (exc_info.value.api_error_code(), exc_info.value.api_error_subcode()) == (100, 33)
