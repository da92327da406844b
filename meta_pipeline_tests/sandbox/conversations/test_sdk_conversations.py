"""The official SDK reads conversations and messages as it does at Meta."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.unifiedthread import UnifiedThread
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox
from meta_pipeline.sandbox.conversations.edges import SCOPES

PAGE = "3000000000002"


@pytest.fixture
def page(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Yield the Page with its own token, of a person who granted the scopes of conversations."""
    monkeypatch.setattr(FacebookSession, "GRAPH", shared_sandbox.url)
    app = shared_sandbox.app
    scopes = sorted({"pages_show_list", *(scope for scopes in SCOPES.values() for scope in scopes)})
    person = FacebookAdsApi.init(
        app["app_id"], app["app_secret"], shared_sandbox.token(scopes=scopes), api_version="v26.0", crash_log=False
    )
    pages = User("me", api=person).get_accounts(fields=["id", "access_token"])
    token = next(each["access_token"] for each in pages if each["id"] == PAGE)
    api = FacebookAdsApi.init(app["app_id"], app["app_secret"], token, api_version="v26.0", crash_log=False)
    yield Page(PAGE, api=api)
    FacebookAdsApi.set_default_api(None)


@pytest.mark.parametrize("platform", [UnifiedThread.Platform.messenger, UnifiedThread.Platform.instagram])
def test_conversations_and_their_messages_are_read_page_by_page(page: Page, platform: str) -> None:
    fields = ["id", "updated_time", "message_count", "participants"]
    threads = list(page.get_conversations(fields=fields, params={"platform": platform, "limit": 9}))
    longest = max(threads, key=lambda thread: int(thread["message_count"]))
    messages = list(longest.get_messages(fields=["id", "created_time"], params={"limit": 8}))

    assert len({thread["id"] for thread in threads}) == len(threads) >= 40
    assert len(messages) == longest["message_count"] > 20
    with pytest.raises(FacebookRequestError) as refused:
        list(longest.get_messages(fields=["message"], params={"limit": 100}))
    assert refused.value.api_error_code() == 100
