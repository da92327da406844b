"""Consent in a browser: a granted token is sealed; everything else shows one clear page and stores nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.sandbox import Sandbox
from harness.web.browser import Browser
from harness.web.connections_page import Web, make_web, parameter
from meta_pipeline import bootstrap
from meta_pipeline.consent import state
from meta_pipeline.store.connections import grants


def test_a_consent_ends_in_a_sealed_token_links_and_a_grant(web: Web) -> None:
    answer = web.connect()

    assert answer.status == 303 and answer.header("location").startswith("/onboardings/")
    page = web.browser.get(answer.header("location")).body
    assert "Sam Operator is connected" in page and "6 ad accounts" in page and "3 Pages" in page
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    assert ref.expires_at and ref.expires_at - bootstrap.system_now() > dt.timedelta(days=50 - 5)
    grant = grants.latest(web.runtime.engine)[ref.id]
    assert (grant.subject_name, grant.phase, grant.declined) == ("Sam Operator", 2, ())
    assert set(grant.requested) == set(grant.granted)
    assert web.exchanges() == 2  # the code, and the long-lived token


@pytest.mark.parametrize("days_from_now", [9, 70, 800])
def test_a_connection_is_healthy_whatever_the_date(
    tmp_path: Path, sandbox: Sandbox, days_from_now: int
) -> None:
    later = bootstrap.system_now() + dt.timedelta(days=days_from_now)
    web = make_web(tmp_path, sandbox, now=lambda: later)
    web.connect()

    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    assert ref.expires_at and ref.expires_at - later > dt.timedelta(days=45)
    assert "Healthy" in web.browser.get("/").body


def test_the_dialog_requests_the_scopes_of_the_phase(web: Web) -> None:
    first, second = (parameter(web.dialog(f"/connect?phase={phase}"), "scope").split(",") for phase in (1, 2))

    assert "business_management" not in first and "ads_management" not in second
    assert set(second) - set(first) == {"business_management"}
    assert parameter(web.dialog("/connect?phase=1&rerequest=1"), "auth_type") == "rerequest"
    assert web.browser.get("/connect?phase=9").status == 400


def test_a_configuration_of_login_for_business_replaces_the_scopes(tmp_path: Path, sandbox: Sandbox) -> None:
    web = make_web(tmp_path, sandbox, login_config_id="1100000000000002")
    dialog = web.dialog()

    assert "scope" not in dialog and parameter(dialog, "config_id") == "1100000000000002"
    web.browser.get(web.consented(dialog))
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind != "page"]
    assert ref.kind == "system_user" and ref.expires_at is None


def test_a_declined_permission_is_named_and_requested_again(web: Web) -> None:
    dialog = web.dialog("/connect?phase=1")
    requested = parameter(dialog, "scope").split(",")
    chosen = "&".join(f"scope={name}" for name in requested if name != "read_insights")
    ends = "&".join(f"{name}={quote(parameter(dialog, name), safe='')}" for name in ("client_id", "redirect_uri", "state"))
    web.browser.get(web.consented(f"{web.sandbox.url}/v24.0/dialog/oauth/choice?{ends}&asked={','.join(requested)}&{chosen}"))
    page = web.browser.get("/").body

    assert "The figures of Pages stay empty, because the permission to read the insights of Pages (read_insights) was declined." in page
    assert "rerequest=1" in page
    web.connect("/connect?phase=1&rerequest=1")
    page = web.browser.get("/").body
    assert "stay empty" not in page and "Healthy" in page


def refused(web: Web, target: str, status: int, text: str, browser: Browser | None = None) -> None:
    before, exchanges = web.rows(), web.exchanges()
    answer = (browser or web.browser).get(target)

    assert (answer.status, text in answer.body) == (status, True), answer.body
    assert "Start again" in answer.body and "Traceback" not in answer.body
    assert (web.rows(), web.exchanges()) == (before, exchanges)


def test_a_declined_consent_stores_nothing_and_may_be_given_later(web: Web) -> None:
    dialog = web.dialog()
    state_text = parameter(dialog, "state")
    refused(
        web, f"/oauth/callback?error=access_denied&error_reason=user_denied&error_description=Permissions+error&state={state_text}",
        403, "You did not give consent",
    )
    assert web.browser.get(web.consented(dialog)).status == 303


def test_a_replay_is_refused(web: Web) -> None:
    target = web.consented(web.dialog())
    assert web.browser.get(target).status == 303
    refused(web, target, 409, "used before")


def test_another_browser_is_refused(web: Web) -> None:
    target = web.consented(web.dialog())
    stranger = web.another_browser()
    refused(web, target, 403, "another browser", stranger)  # without a cookie
    stranger.get("/")
    refused(web, target, 403, "another browser", stranger)
    assert web.browser.get(target).status == 303


def test_a_state_that_was_tampered_with_is_refused(web: Web) -> None:
    target = web.consented(web.dialog())
    state_text = parameter(target, "state")
    for other in (state_text[:-1], "x" + state_text, state_text.replace(".", "A.", 1), "", "a.b", state_text + "é"):
        refused(web, target.replace(f"state={state_text}", f"state={quote(other)}"), 400, "This link can&#39;t be used")
    refused(web, f"/oauth/callback?state={state_text}", 400, "without a code")


def test_an_old_state_is_refused(web: Web) -> None:
    web.browser.get("/")
    secret = web.browser.cookies["meta_pipeline_browser"]
    key = web.sandbox.app["app_secret"]
    old = state.issue(key=key, now=bootstrap.system_now() - dt.timedelta(minutes=11), browser_secret=secret)
    refused(web, f"/oauth/callback?code=AQ1&state={quote(old)}", 400, "too long")


@pytest.mark.parametrize(("fault", "status"), [("2_503", 502), ("html_502", 502), ("truncated", 502)])
def test_a_code_is_never_sent_twice(web: Web, fault: str, status: int) -> None:
    target = web.consented(web.dialog())
    web.sandbox.control("faults", {"fault": fault, "path": "GET oauth/access_token", "times": 9})
    answer = web.browser.get(target)

    assert answer.status == status and "Nothing was stored" in answer.body
    assert web.exchanges() == 1 and web.rows()["tokens"] == web.rows()["onboardings"] == 0


def test_a_code_that_meta_refuses_is_reported(web: Web) -> None:
    state_text = parameter(web.dialog(), "state")
    answer = web.browser.get(f"/oauth/callback?code=AQnonsense&state={quote(state_text)}")

    assert answer.status == 400 and "Facebook did not accept the login" in answer.body and "AQnonsense" not in answer.body
    assert web.rows()["tokens"] == 0


def test_an_error_of_meta_during_onboarding_loses_nothing(web: Web) -> None:
    target = web.consented(web.dialog())
    web.sandbox.control("faults", {"fault": "500", "path": "GET debug_token", "times": 1})
    where = web.browser.get(target).header("location")

    assert "will be retried" in web.browser.get(where).body
    from meta_pipeline.flows.connections import consents

    consents.onboard(
        where.rpartition("/")[2], graph=web.runtime.graph, tokens=web.runtime.vault, engine=web.runtime.engine,
        now=bootstrap.system_now, sleep=lambda _: None,
    )
    assert "Sam Operator is connected" in web.browser.get(where).body


def test_no_secret_is_on_a_page_or_in_the_store(web: Web, tmp_path: Path) -> None:
    where = web.connect().header("location")
    shown = web.browser.get(where).body + web.browser.get("/").body
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for secret in web.sandbox.control("secrets"):
        assert secret not in shown and secret.encode() not in stored
