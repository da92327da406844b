"""The official SDK creates a Reel ad in the sandbox, and reads back what it sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.advideo import AdVideo
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession
from facebook_business.video_uploader import VideoUploader, VideoUploadRequest

from harness.sandbox import Sandbox

SCOPES = ["ads_management", "pages_manage_ads", "pages_read_engagement", "instagram_basic"]
ACCOUNT, PAGE, INSTAGRAM = "act_1000000002", "3000000000001", "17841400000000001"
TARGETING = {
    "geo_locations": {"countries": ["DE"]}, "publisher_platforms": ["instagram", "facebook"],
    "instagram_positions": ["reels"], "facebook_positions": ["facebook_reels"], "device_platforms": ["mobile"],
    "targeting_automation": {"advantage_audience": 0},
}
CAMPAIGN = {
    "name": "Spring", "objective": "OUTCOME_TRAFFIC", "status": "PAUSED", "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
}
AD_SET = {
    "name": "Spring DE", "daily_budget": 500, "billing_event": "IMPRESSIONS", "optimization_goal": "LINK_CLICKS",
    "bid_strategy": "LOWEST_COST_WITHOUT_CAP", "status": "PAUSED", "targeting": TARGETING,
}


@pytest.fixture
def account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdAccount]:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.url)
    # The SDK's uploader sends to another host; here it sends to the sandbox.
    monkeypatch.setattr(VideoUploadRequest, "send", lambda self, path: self._api.call(
        "POST", path, params=self._params, files=self._files))
    app = sandbox.app
    sandbox.control("creation", {"processing_s": 0, "review_s": 0})
    api = FacebookAdsApi.init(
        app["app_id"], app["app_secret"], sandbox.token(kind="SYSTEM_USER", scopes=SCOPES), api_version="v26.0", crash_log=False
    )
    yield AdAccount(ACCOUNT, api=api)
    FacebookAdsApi.set_default_api(None)


def spec_of(video_id: str) -> dict[str, Any]:
    return {
        "page_id": PAGE, "instagram_user_id": INSTAGRAM,
        "video_data": {
            "video_id": video_id, "image_url": "https://example.com/thumb.jpg", "title": "Spring", "message": "Look",
            "call_to_action": {"type": "LEARN_MORE", "value": {"link": "https://example.com"}},
        },
    }


def test_it_reads_back_what_it_created(account: AdAccount, tmp_path: Path, sandbox: Sandbox) -> None:
    campaign = account.create_campaign(params=CAMPAIGN)
    ad_set = account.create_ad_set(params={**AD_SET, "campaign_id": campaign["id"]})
    (tmp_path / "reel.mp4").write_bytes(bytes(range(256)) * 9000)  # three chunks
    video = AdVideo(parent_id=ACCOUNT, api=account.get_api_assured())
    video[AdVideo.Field.filepath] = str(tmp_path / "reel.mp4")
    video_id = VideoUploader().upload(video, wait_for_encoding=True)["id"]
    creative = account.create_ad_creative(params={
        "name": "Reel creative", "object_story_spec": spec_of(video_id),
        "degrees_of_freedom_spec": {"creative_features_spec": {"image_animation": {"enroll_status": "OPT_OUT"}}},
    })
    ad = account.create_ad(params={
        "name": "Reel ad", "adset_id": ad_set["id"], "creative": {"creative_id": creative["id"]}, "status": "PAUSED",
    })

    read = Campaign(campaign["id"]).api_get(fields=[*CAMPAIGN, "effective_status"])
    assert {name: read[name] for name in CAMPAIGN} == CAMPAIGN and read["effective_status"] == "PAUSED"
    read = AdSet(ad_set["id"]).api_get(fields=[*AD_SET, "campaign_id"]).export_all_data()
    assert {name: read[name] for name in AD_SET} == {**AD_SET, "daily_budget": "500"}
    assert read["campaign_id"] == campaign["id"]
    read = AdCreative(creative["id"]).api_get(fields=["name", "object_story_spec", "degrees_of_freedom_spec", "video_id"])
    assert read.export_all_data()["object_story_spec"] == spec_of(video_id) and read["video_id"] == video_id
    read = Ad(ad["id"]).api_get(fields=["name", "adset_id", "creative", "status"])
    assert read["creative"]["id"] == creative["id"] and read["adset_id"] == ad_set["id"]
    read = AdVideo(video_id).api_get(fields=["title", "status", "picture"])
    assert read["title"] == "reel.mp4" and read["status"]["video_status"] == "ready" and read["picture"]
    previews = Ad(ad["id"]).get_previews(params={"ad_format": "INSTAGRAM_REELS"})
    assert "https://www.facebook.com/" in previews[0]["body"]
    assert ad["id"] in {each["id"] for each in account.get_ads(fields=["id"], params={"limit": 500})}
    assert creative["id"] in {each["id"] for each in account.get_ad_creatives(fields=["id"], params={"limit": 500})}

    Ad(ad["id"]).api_update(params={"status": "ACTIVE"})
    assert Ad(ad["id"]).api_get(fields=["effective_status"])["effective_status"] == "CAMPAIGN_PAUSED"
    Campaign(campaign["id"]).api_delete()
    assert Ad(ad["id"]).api_get(fields=["status"])["status"] == "DELETED"
    assert not {"Reel ad"} & {each["name"] for each in account.get_ads(fields=["name"], params={"limit": 500})}


def changed(params: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {name: value for name, value in {**params, **more}.items() if value is not None}


@pytest.mark.parametrize(
    "params,message", [
        (changed(CAMPAIGN, special_ad_categories=None), "special_ad_categories is required"),
        (changed(CAMPAIGN, is_adset_budget_sharing_enabled=None), "is_adset_budget_sharing_enabled"),
        (changed(CAMPAIGN, objective="CONVERSIONS"), "objective must be one of"),
        (changed(AD_SET, daily_budget=99), "too low"),
        (changed(AD_SET, daily_budget=None), "must have a budget"),
        (changed(AD_SET, targeting={**TARGETING, "facebook_positions": ["video_feeds"]}), "video_feeds is no longer available"),
        (changed(AD_SET, targeting={**TARGETING, "instagram_positions": ["explore"]}), "explore is no longer available"),
        (changed(AD_SET, instagram_positions=["reels"]), "belongs in targeting"),
    ],
)
@pytest.mark.parametrize("execution_options", [None, ["validate_only"]])
def test_parameters_that_meta_rejects_are_rejected(
    account: AdAccount, params: dict[str, Any], message: str, execution_options: list[str] | None
) -> None:
    options = {"execution_options": execution_options} if execution_options else {}
    with pytest.raises(FacebookRequestError) as rejected:
        if "objective" in params:
            account.get_api_assured().call("POST", (ACCOUNT, "campaigns"), params={**params, **options})
        else:
            parent = account.create_campaign(params=CAMPAIGN)["id"]
            account.get_api_assured().call(
                "POST", (ACCOUNT, "adsets"), params={**params, **options, "campaign_id": parent})

    assert message in str(rejected.value.body())


def test_a_dry_run_creates_nothing(account: AdAccount) -> None:
    before = len(account.get_campaigns(params={"limit": 500}))
    answer = account.get_api_assured().call(
        "POST", (ACCOUNT, "campaigns"), params={**CAMPAIGN, "execution_options": ["validate_only"]}).json()

    assert answer == {"success": True} and len(account.get_campaigns(params={"limit": 500})) == before


def test_an_identity_that_is_not_assigned_is_refused(account: AdAccount, sandbox: Sandbox) -> None:
    sandbox.control("identities", {"node": ACCOUNT, "instagram_accounts": []})
    video_id = account.create_ad_video(params={"file_url": "https://example.com/reel.mp4", "name": "Reel"})["id"]
    with pytest.raises(FacebookRequestError) as refused:
        account.create_ad_creative(params={"name": "x", "object_story_spec": spec_of(video_id)})

    assert refused.value.api_error_code() == 1815199


def test_a_video_that_cannot_be_processed_has_the_status_error(account: AdAccount, sandbox: Sandbox) -> None:
    sandbox.control("creation", {"processing_fails": True})
    video_id = account.create_ad_video(params={"file_url": "https://example.com/reel.mp4", "name": "Reel"})["id"]

    assert AdVideo(video_id).api_get(fields=["status"])["status"]["video_status"] == "error"
