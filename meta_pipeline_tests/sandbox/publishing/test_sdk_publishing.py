"""The official SDK publishes in the sandbox as it does at Meta."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.adobjects.shadowigmediabuilder import ShadowIGMediaBuilder
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.world.cast import PAGES

PHOTO = "https://cdn.example/a.jpg"
ACCOUNT = PAGES[0].instagram_id


@pytest.fixture
def api(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.url)
    scopes = [*ALL_SCOPES, "pages_manage_posts", "instagram_content_publish"]
    person = FacebookAdsApi.init(
        sandbox.app["app_id"], sandbox.app["app_secret"], sandbox.token(scopes=scopes), api_version="v26.0", crash_log=False
    )
    page = Page(PAGES[0].id, api=person).api_get(fields=["access_token"])
    yield FacebookAdsApi.init(
        sandbox.app["app_id"], sandbox.app["app_secret"], page["access_token"], api_version="v26.0", crash_log=False
    )
    FacebookAdsApi.set_default_api(None)


def test_it_publishes_on_a_page_and_on_instagram(api: FacebookAdsApi, sandbox: Sandbox) -> None:
    page, account = Page(PAGES[0].id, api=api), IGUser(ACCOUNT, api=api)
    post = page.create_feed(params={"message": "Hello"})
    photo = page.create_photo(params={"url": PHOTO, "published": False})
    story = page.create_photo_story(params={"photo_id": photo["id"]})
    reel = page.create_video_reel(params={"upload_phase": "start"})
    container = account.create_media(params={"image_url": PHOTO, "caption": "Hello", "is_ai_generated": True})
    status = ShadowIGMediaBuilder(container["id"], api=api).api_get(fields=["status_code"])
    media = account.create_media_publish(params={"creation_id": container["id"]})
    quota = list(account.get_content_publishing_limit(fields=["quota_usage", "config"]))

    assert next(iter(page.get_posts(fields=["message"], params={"limit": 1})))["id"] == post["id"]
    assert next(iter(page.get_stories()))["post_id"] == story["post_id"]
    assert sandbox.url in reel["upload_url"] and status["status_code"] == "FINISHED"
    assert next(iter(account.get_media(fields=["caption"])))["id"] == media["id"]
    assert (quota[0]["quota_usage"], quota[0]["config"]["quota_total"]) == (1, 100)
    PagePost(post["id"], api=api).api_delete()
    assert post["id"] not in {each["id"] for each in page.get_posts(params={"limit": 3})}
