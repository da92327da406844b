"""The pages: who may see them, what they show, and what their forms may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.browser import Browser
from harness.web.connections_page import Web, make_web, parameter
from meta_pipeline.records import ConfigError

PASSWORD = "correct horse battery"


@pytest.fixture
def guarded(tmp_path: Path, sandbox: Sandbox) -> Web:
    return make_web(
        tmp_path, sandbox, host="0.0.0.0", public_url="https://etl.example", operator_password=PASSWORD,
    )


def sign_in(web: Web, password: str = PASSWORD) -> int:
    page = web.browser.get("/sign-in").body
    token = page.split('name="form_token" value="')[1].split('"')[0]
    return web.browser.post("/sign-in", {"form_token": token, "password": password}).status


def test_the_page_shows_who_is_connected_and_what_is_reachable(web: Web) -> None:
    assert "Nobody is connected yet" in web.browser.get("/").body
    web.connect()
    page = web.browser.get("/").body

    for text in (
        "Sam Operator", "1 connected, all healthy", "6 ad accounts, 3 Pages", "Healthy", "act_1000000001", "Aroha Outdoor", "partner-shared", "view performance", "Northwind shop",
        "Sakura products", "17841400000000001", "days left", "through the connections page", "read_insights",
    ):
        assert text in page, text


def test_a_missing_task_is_named_with_the_place_where_it_is_given(web: Web) -> None:
    web.connect()
    web.sandbox.control("tasks", {"node": "act_1000000002", "tasks": ["DRAFT"]})
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    assert web.browser.post(f"/connections/{ref.id}/check", {"form_token": web.form_token()}).status == 303
    page = web.browser.get("/").body

    assert "Northwind Europe can&#39;t be read: the task ANALYZE" in page
    assert "https://business.facebook.com/settings/ad-accounts/1000000002" in page


def test_disconnecting_takes_effect_at_meta_and_here(web: Web) -> None:
    web.connect()
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    value = web.runtime.vault.reveal(ref.id, flow="test").value
    assert web.browser.post(f"/connections/{ref.id}/disconnect", {"form_token": web.form_token()}).status == 303

    assert web.runtime.vault.refs() == []
    page = web.browser.get("/").body
    assert "Sam Operator" not in page and "Nobody is connected yet" in page
    import requests

    refusal = requests.get(f"{web.sandbox.url}/me", headers={"Authorization": f"Bearer {value}"}, timeout=30).json()
    assert refusal["error"]["error_subcode"] == 458


@pytest.mark.parametrize("spoil", ["no token", "another browser's", "from elsewhere"])
def test_a_forged_form_does_nothing(web: Web, spoil: str) -> None:
    web.connect()
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    form, headers = {"form_token": web.form_token()}, []
    if spoil == "no token":
        form = {}
    elif spoil == "another browser's":
        form = {"form_token": web.form_token(web.another_browser())}
    else:
        headers = [(b"sec-fetch-site", b"cross-site")]
    answer = web.browser.post(f"/connections/{ref.id}/disconnect", form, headers)

    assert answer.status == 403 and ref.id in {ref.id for ref in web.runtime.vault.refs()}


def test_every_answer_carries_the_security_headers(web: Web) -> None:
    for target in ("/", "/connect", "/oauth/callback", "/nowhere", "/static/style.css", "/health/live"):
        answer = web.browser.get(target)
        assert "default-src 'none'" in answer.header("content-security-policy"), target
        assert answer.header("x-frame-options") == "DENY" and answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "no-referrer"
        for name, value in answer.headers:
            if name == "set-cookie":
                assert "HttpOnly" in value and "SameSite=lax" in value
    page = web.browser.get("/").body
    assert "<script>" not in page and " style=" not in page and " onclick=" not in page


def test_a_request_with_a_foreign_host_name_is_refused(web: Web) -> None:
    assert Browser(web.app, host="evil.example").get("/").status == 400
    assert Browser(web.app, host="127.0.0.1:8600").get("/").status == 200
    assert Browser(web.app, host="[::1]:8600").get("/").status == 200


def test_access_from_other_machines_needs_a_password(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_OPERATOR_PASSWORD"):
        make_web(tmp_path, sandbox, host="0.0.0.0")
    with pytest.raises(ConfigError, match="META_PIPELINE_OPERATOR_PASSWORD"):
        make_web(tmp_path, sandbox, public_url="https://etl.example")
    with pytest.raises(ConfigError, match="META_PIPELINE_PUBLIC_URL"):
        make_web(tmp_path, sandbox, public_url="etl.example")


def test_from_other_machines_only_operators_have_access(guarded: Web) -> None:
    for target in ("/", "/connect?phase=1"):
        assert guarded.browser.get(target).header("location") == "/sign-in"
    assert guarded.browser.post("/connections/x/check", {}).status == 403
    assert guarded.browser.get("/health/live").status == 200
    assert sign_in(guarded, "wrong") == 403
    assert sign_in(guarded) == 303
    assert "Nobody is connected yet" in guarded.browser.get("/").body
    answer = guarded.browser.get("/connect?phase=1")
    assert parameter(answer.header("location"), "redirect_uri") == "https://etl.example/oauth/callback"
    assert all(name.startswith("__Host-") for name in guarded.browser.cookies)
    assert "strict-transport-security" in dict(answer.headers)
    token = guarded.browser.get("/").body.split('name="form_token" value="')[1].split('"')[0]
    assert guarded.browser.post("/sign-out", {"form_token": token}).status == 303
    assert guarded.browser.get("/").status == 303


def test_a_missing_setting_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    web = make_web(tmp_path, sandbox)
    web = make_web(tmp_path / "other", sandbox)
    object.__setattr__(web.runtime.settings, "app_id", None)

    assert "META_PIPELINE_APP_ID" in web.browser.get("/connect").body
    answer = web.browser.get("/health/ready")
    assert answer.status == 503 and "META_PIPELINE_APP_ID" in answer.body


def test_a_form_that_is_too_large_is_refused(web: Web) -> None:
    assert web.browser.post("/sign-out", {"form_token": "x" * 100_000}).status == 413
