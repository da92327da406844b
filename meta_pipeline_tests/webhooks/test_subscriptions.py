"""Subscriptions to webhooks against the sandbox: created with the permissions that each needs, compared with Meta's lists,
and reported when they are off."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.application import Application
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from harness.frozen_clock import FrozenRuntime
from harness.sandbox import Sandbox
from meta_pipeline.alerts.due import Alert
from meta_pipeline.cli.webhooks.subscriptions import sentences
from meta_pipeline.flows.webhooks import reporting
from meta_pipeline.flows.webhooks.subscribing import Subscriber
from meta_pipeline.records import ConfigError, MetaPipelineError, NodeLink
from meta_pipeline.sandbox.control import control
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.webhooks import subscriptions

VERIFY_TOKEN = "a text of our choice"
PAGE, ACCOUNT = "3000000000001", "act_1000000002"
SCOPES = (
    "ads_read", "business_management", "pages_show_list", "pages_read_engagement", "read_insights",
    "pages_manage_metadata",
)


@pytest.fixture(scope="module")
def callback_url() -> Iterator[str]:
    """Yield the URL of a receiver that answers the handshake."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            is_right = query["hub.verify_token"] == [VERIFY_TOKEN]
            self.send_response(200 if is_right else 403)
            self.end_headers()
            self.wfile.write(query["hub.challenge"][0].encode() if is_right else b"")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/webhooks"
    server.shutdown()
    server.server_close()


class HomeOfSubscriber:
    """A home to which a person with these scopes is connected."""

    def __init__(self, path: Path, callback_url: str, *scopes: str, features: tuple[str, ...] = ("webhooks",)) -> None:
        self.runtime = FrozenRuntime(path, features=features)
        self.callback_url, self.features = callback_url, features
        self.runtime.onboard(self.runtime.mint(days=60, scopes=(*SCOPES, *scopes)))

    def subscriber(self, verify_token: str = VERIFY_TOKEN) -> Subscriber:
        return Subscriber(
            graph=self.runtime.client, tokens=self.runtime.vault, engine=self.runtime.engine, features=self.features,
            callback_url=self.callback_url, verify_token=verify_token, now=self.runtime.clock.now(),
        )

    def links(self) -> list[NodeLink]:
        return [link for link in list_links(self.runtime.engine) if link.id in (PAGE, ACCOUNT)]

    def states(self) -> dict[str, str]:
        return {each.subject_id: each.status for each in subscriptions.find_all(self.runtime.engine)}


def test_the_app_and_pages_are_subscribed_and_ad_accounts_only_where_ads_can_be_edited(tmp_path: Path, callback_url: str) -> None:
    reader = HomeOfSubscriber(tmp_path, callback_url)
    _, problems = reader.subscriber().subscribe(reader.links())
    listed = reader.runtime.graph.webhooks.subscriptions.to_json()

    assert problems == []
    assert {each["object"] for each in listed["app"]} == {"page", "instagram", "ad_account", "permissions"}
    assert all(each["callback_url"] == callback_url and each["active"] for each in listed["app"])
    assert (listed["pages"], listed["ad_accounts"]) == ({PAGE: ["feed"]}, [])


def test_an_ad_account_is_subscribed_with_the_permission_to_edit_ads(tmp_path: Path, callback_url: str) -> None:
    editor = HomeOfSubscriber(tmp_path, callback_url, "ads_management", "leads_retrieval", features=("webhooks", "leads"))
    _, problems = editor.subscriber().subscribe(editor.links())
    listed = editor.runtime.graph.webhooks.subscriptions.to_json()

    assert problems == []
    assert (listed["pages"], listed["ad_accounts"]) == ({PAGE: ["feed", "leadgen"]}, [ACCOUNT.removeprefix("act_")])
    assert {each.status for each in editor.subscriber().check()} == {"active"}


def test_without_the_feature_no_subscription_is_sent(tmp_path: Path, callback_url: str) -> None:
    home = HomeOfSubscriber(tmp_path, callback_url, features=())
    before = len(home.runtime.events)
    with pytest.raises(ConfigError, match=r"webhooks in META_PIPELINE_FEATURES.*nothing was sent"):
        home.subscriber().subscribe(home.links())
    with pytest.raises(ConfigError, match=r"webhooks in META_PIPELINE_FEATURES.*nothing was sent"):
        home.subscriber().unsubscribe()

    assert len(home.runtime.events) == before


def test_a_handshake_that_fails_is_reported_for_each_object(tmp_path: Path, callback_url: str) -> None:
    home = HomeOfSubscriber(tmp_path, callback_url)
    made, problems = home.subscriber("another text").subscribe([])

    assert made == [] and len(problems) == 4 and all("2200" in problem for problem in problems)
    assert "another text" not in " ".join(problems)


@pytest.mark.parametrize(("change", "reason"), [
    ("switch", "switched it off"), ("gone", "no longer lists it"), ("fields", "without feed"),
    ("page", "no longer lists the app there"),
])
def test_a_subscription_that_meta_switched_off_is_detected_and_reported_once(
    tmp_path: Path, callback_url: str, change: str, reason: str
) -> None:
    home = HomeOfSubscriber(tmp_path, callback_url)
    home.subscriber().subscribe(home.links())
    meta = home.runtime.graph.webhooks.subscriptions
    match change:
        case "switch":
            control(home.runtime.graph, "webhooks", {"switch": {"object": "page", "active": False}}, {})
        case "gone":
            del meta.of_app["page"]
        case "fields":
            meta.of_app["page"].fields = ["mention"]
        case _:
            meta.of_pages.clear()
    delivered: list[Alert] = []

    class Target:
        name, is_personal = "test", False

        def deliver(self, alert: Alert) -> None:
            delivered.append(alert)

    for _ in range(2):
        checked = home.subscriber().check()
        reporting.report(
            checked, targets=[Target()], engine=home.runtime.engine, url="https://etl.example", now=home.runtime.clock.now())

    assert [each.reason for each in checked if each.status == "off" and reason in str(each.reason)]
    assert len(delivered) == 1 and reason in delivered[0].text
    home.subscriber().subscribe(home.links())
    assert {each.status for each in home.subscriber().check()} == {"active"}


def test_a_subscription_that_meta_cannot_list_now_is_unknown_and_not_off(tmp_path: Path, callback_url: str) -> None:
    home = HomeOfSubscriber(tmp_path, callback_url)
    home.subscriber().subscribe(home.links())
    home.runtime.graph.faults.plan([{"fault": "500", "path": "subscri.*", "times": 99}])

    assert {each.status for each in home.subscriber().check()} == {"unknown"}


def test_every_subscription_is_ended(tmp_path: Path, callback_url: str) -> None:
    home = HomeOfSubscriber(tmp_path, callback_url, "ads_management")
    home.subscriber().subscribe(home.links())
    ended, problems = home.subscriber().unsubscribe()

    assert problems == [] and len(ended) == 6 and home.states() == {}
    assert home.runtime.graph.webhooks.subscriptions.to_json() == {"app": [], "pages": {}, "ad_accounts": []}


def test_a_page_without_the_permission_is_named_and_the_others_are_subscribed(tmp_path: Path, callback_url: str) -> None:
    runtime = FrozenRuntime(tmp_path, features=("webhooks",))
    runtime.onboard(runtime.mint(days=60))
    home = HomeOfSubscriber.__new__(HomeOfSubscriber)
    home.runtime, home.callback_url, home.features = runtime, callback_url, ("webhooks",)
    made, problems = home.subscriber().subscribe(home.links())

    assert len(made) == 4
    assert len(problems) == 1 and "pages_manage_metadata" in problems[0] and PAGE in problems[0]


def test_the_task_that_a_person_lacks_on_a_page_is_named(tmp_path: Path, callback_url: str) -> None:
    home = HomeOfSubscriber(tmp_path, callback_url)
    control(home.runtime.graph, "tasks", {"node": PAGE, "tasks": ["ANALYZE"]}, {})
    _, problems = home.subscriber().subscribe(home.links())

    assert len(problems) == 1 and "MODERATE" in problems[0] and PAGE in problems[0]


def test_the_official_sdk_subscribes_lists_and_unsubscribes(
    sandbox: Sandbox, callback_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.url)
    app = sandbox.app

    def api(token: str) -> FacebookAdsApi:
        return FacebookAdsApi.init(
            app["app_id"], app["app_secret"], token, api_version="v26.0", crash_log=False
        )

    person = api(sandbox.token(scopes=[*SCOPES, "ads_management"]))
    pages = User("me", api=person).get_accounts(fields=["id", "access_token"])
    page_token = next(each["access_token"] for each in pages if each["id"] == PAGE)
    page, account = Page(PAGE, api=api(page_token)), AdAccount(ACCOUNT, api=person)
    of_app = Application(app["app_id"], api=api(f"{app['app_id']}|{app['app_secret']}"))
    of_app.create_subscription(params={
        "object": "page", "callback_url": callback_url, "verify_token": VERIFY_TOKEN, "fields": ["feed"],
        "include_values": True,
    })
    page.create_subscribed_app(params={"subscribed_fields": ["feed"]})
    account.create_subscribed_app(params={"app_id": app["app_id"]})

    assert [(each["object"], each["active"]) for each in of_app.get_subscriptions()] == [("page", True)]
    assert [(each["id"], each["subscribed_fields"]) for each in page.get_subscribed_apps(fields=["subscribed_fields"])] == [
        (app["app_id"], ["feed"])]
    assert [each["app_id"] for each in account.get_subscribed_apps()] == [app["app_id"]]
    page.delete_subscribed_apps()
    account.delete_subscribed_apps(params={"app_id": app["app_id"]})
    of_app.delete_subscriptions(params={"object": "page"})
    assert [list(each) for each in (
        of_app.get_subscriptions(), page.get_subscribed_apps(), account.get_subscribed_apps())] == [[], [], []]
    FacebookAdsApi.set_default_api(None)


def test_a_reason_of_several_subscriptions_is_written_once() -> None:
    with pytest.raises(MetaPipelineError) as refused:
        sentences(["subscribed to Page 1"], ["Page 2: it lacks a task", "Page 3: it lacks a task", "Page 4: gone"])

    assert str(refused.value) == (
        "3 subscriptions failed: Page 2, Page 3: it lacks a task; Page 4: gone (1 other done)"
    )
