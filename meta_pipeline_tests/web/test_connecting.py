"""Connecting, disconnecting and connecting again: what is requested, what stops, and what the pages say about it."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from harness.web.connections_page import Web, parameter
from meta_pipeline.consent.scopes import SCOPES, scopes_for
from meta_pipeline.flows.connections import consents
from meta_pipeline.records import TokenRef
from meta_pipeline.store.connections import onboardings


def person(web: Web) -> TokenRef:
    return next(ref for ref in web.runtime.vault.refs() if ref.kind == "user")


def disconnect(web: Web) -> str:
    ref = person(web)
    answer = web.browser.post(f"/connections/{ref.id}/disconnect", {"form_token": web.form_token()})
    assert answer.status == 303
    return web.browser.get(answer.header("location")).body


def connect_without(web: Web, *declined: str, phase: int = 2) -> str:
    """Consent without these permissions, and return the onboarding's address."""
    dialog = web.dialog(f"/connect?phase={phase}&rerequest=1")
    requested = parameter(dialog, "scope").split(",")
    chosen = "&".join(f"scope={name}" for name in requested if name not in declined)
    ends = "&".join(
        f"{name}={quote(parameter(dialog, name), safe='')}" for name in ("client_id", "redirect_uri", "state"))
    choice = f"{web.sandbox.url}/v24.0/dialog/oauth/choice?{ends}&asked={','.join(requested)}&{chosen}"
    return web.browser.get(web.consented(choice)).header("location")


def test_before_the_dialog_a_page_says_what_is_requested_and_why(web: Web) -> None:
    page = web.browser.get("/connections/new").body

    for scope in SCOPES:
        is_requested = scope.name in scopes_for(2)
        assert (scope.name in page) == is_requested
        if is_requested:
            assert scope.allows[1:] in page and scope.needed_for in page
    assert 'href="/connect?phase=1"' in page and 'href="/connect?phase=2"' in page and "/connect?phase=3" not in page
    assert page.count("Continue to Facebook") == 2 and "nothing on Facebook or Instagram is changed" in page
    again = web.browser.get("/connections/new?phase=2&rerequest=1").body
    assert again.count("Continue to Facebook") == 1 and "/connect?phase=2&amp;rerequest=1" in again


def test_every_button_of_the_connections_page_leads_to_the_explanation_first(web: Web) -> None:
    connect_without(web, "ads_read")
    page = web.browser.get("/").body

    assert "/connections/new?phase=2&amp;rerequest=1" in page and "/connect?" not in page


def test_disconnecting_asks_first_and_says_what_stops(web: Web) -> None:
    web.connect()
    ref = person(web)
    assert f'href="/connections/{ref.id}/disconnect"' in web.browser.get("/").body
    page = web.browser.get(f"/connections/{ref.id}/disconnect").body

    assert "Disconnect Sam Operator?" in page
    assert "6 ad accounts, 3 Pages, 3 Instagram accounts, 2 pixels and 2 catalogs will no longer be read" in page
    assert "Northwind US" in page and "pull_ads_schedule" in page and "Stay connected" in page
    assert person(web).id == ref.id  # opening the page ends nothing
    assert web.browser.get("/connections/nobody/disconnect").status == 404


def test_nodes_that_another_token_reads_are_still_read(web: Web) -> None:
    web.connect()
    token = web.sandbox.token(kind="SYSTEM_USER")
    from meta_pipeline.records import AccessToken

    id = consents.accept_token(
        AccessToken(
            kind="system_user", value=token,
        ), phase=0, through="a test", tokens=web.runtime.vault, engine=web.runtime.engine,
        now=web.app_now(),
    )
    consents.onboard(
        id, graph=web.runtime.graph, tokens=web.runtime.vault, engine=web.runtime.engine, now=web.app_now, sleep=lambda _: None
    )
    page = web.browser.get(f"/connections/{person(web).id}/disconnect").body

    assert "Nothing stops" in page and "read through somebody else" in page


def test_a_connection_that_was_disconnected_leaves_the_page_and_stays_in_the_history(web: Web) -> None:
    web.connect()
    page = disconnect(web)

    assert "Sam Operator is disconnected" in page and "<article" not in page and "Nobody is connected yet" in page
    (disconnected,) = [ref for ref in web.runtime.vault.refs(retired=True) if ref.kind == "user"]
    assert disconnected.retired_because == "it was disconnected here"
    assert "Sam Operator" not in web.browser.get("/").body


def test_connecting_again_after_a_disconnect_works_and_requests_what_was_granted_before(web: Web) -> None:
    web.connect("/connect?phase=2")
    disconnect(web)
    dialog = web.dialog("/connect?phase=1")
    assert parameter(dialog, "auth_type") == "rerequest" and "business_management" in parameter(dialog, "scope")
    web.browser.get(web.consented(dialog))
    page = web.browser.get("/").body

    assert "1 connected, all healthy" in page and "6 ad accounts" in page and "2 pixels" in page
    assert set(scopes_for(2)) <= set(person(web).scopes)


@pytest.mark.parametrize("target", ["/connect?phase=1", "/connect?phase=1&rerequest=1"])
def test_connecting_again_never_requests_less_than_was_granted(web: Web, target: str) -> None:
    web.connect("/connect?phase=2")
    dialog = web.dialog(target)

    assert set(parameter(dialog, "scope").split(",")) == set(scopes_for(2))
    assert "who owns what" not in web.browser.get("/connections/new?phase=1").body
    assert "business_management" in web.browser.get("/connections/new?phase=1").body
    web.browser.get(web.consented(dialog))
    page = web.browser.get("/").body
    assert "Northwind" in page and "permission to see businesses was not given" not in page and "2 pixels" in page


def test_a_permission_of_a_feature_that_is_off_is_not_requested_again(web: Web) -> None:
    web.connect("/connect?phase=3")
    object.__setattr__(web.runtime.settings, "features", "ads_creation")
    web.connect("/connect?phase=3")
    assert "ads_management" in person(web).scopes
    object.__setattr__(web.runtime.settings, "features", "")

    assert "ads_management" not in parameter(web.dialog("/connect?phase=2"), "scope")


def test_accounts_that_can_no_longer_be_read_are_reported_in_plain_words(web: Web) -> None:
    web.connect()
    where = connect_without(web, "ads_read")
    page, progress = web.browser.get("/").body, web.browser.get(where).body

    assert re.search(r"6 ad accounts are no longer read, because the permission to read ads and their results "
                     r"\(ads_read\) was declined: .+ and 3 more\.", page)
    assert "Ask again" in page and "1 needs attention" in page
    assert "No ad account can be read" in progress and "meta-pipeline" not in progress + page
    assert "6 ad accounts will be collected" not in progress


def test_the_first_look_names_no_account_that_nobody_can_read(web: Web) -> None:
    web.connect()
    where = connect_without(web, "ads_read")
    from meta_pipeline.store.connections.node_links import list_links

    id = where.rpartition("/")[2]
    samples = consents.first_look(
        id, list_links(web.runtime.engine), graph=web.runtime.graph, tokens=web.runtime.vault, engine=web.runtime.engine,
        now=web.app_now(),
    )
    onboardings.add_result(web.runtime.engine, id, partitions=6)
    consents.finish(web.runtime.engine, id, now=web.app_now())
    page = web.browser.get(where).body

    assert not [sample for sample in samples if sample["node_id"].startswith("act_")]
    assert "no token reads" not in page and " Pages and " in page and "will be collected every day" in page
    assert "page_media_view" not in page and "Views" in page


def test_access_that_was_taken_away_is_named(web: Web) -> None:
    web.connect()
    web.sandbox.control("tasks", {"node": "act_1000000002", "tasks": []})
    web.browser.post(f"/connections/{person(web).id}/check", {"form_token": web.form_token()})
    page = web.browser.get("/").body

    assert "1 ad account is no longer read, because Sam Operator has lost access: Northwind Europe." in page


def test_a_person_who_connects_twice_is_being_set_up_once(web: Web) -> None:
    web.connect()
    web.connect()
    page = web.browser.get("/").body
    assert page.count("is being set up") == page.count("Sam Operator is being set up") == 1

    assert "is being set up" not in disconnect(web)


def test_a_dead_connection_can_be_removed(web: Web) -> None:
    web.connect()
    web.sandbox.control("dead", {"subcode": 460, "kind": "USER"})
    ref = person(web)
    web.browser.post(f"/connections/{ref.id}/check", {"form_token": web.form_token()})
    page = web.browser.get("/").body
    assert "Broken" in page and "Remove" in page
    assert "Remove Sam Operator?" in web.browser.get(f"/connections/{ref.id}/disconnect").body
    assert web.browser.post(f"/connections/{ref.id}/disconnect", {"form_token": web.form_token()}).status == 303

    assert "<article" not in web.browser.get("/").body


def test_the_first_look_comes_before_the_daily_collection(web: Web) -> None:
    page = web.browser.get(web.connect().header("location")).body
    steps = re.findall(r'<li class="([^"]*)">\s*([^<]*)', page.split('<ol class="steps">')[1].split("</ol>")[0])

    assert [(status, " ".join(text.split())) for status, text in steps[3:]] == [
        ("is-done", "A first look at yesterday"), ("is-now", "Set up the daily collection"),
    ]
    assert {status for status, _ in steps[:3]} == {"is-done"}


def test_the_onboarding_page_says_what_it_waits_for_and_for_how_long(web: Web) -> None:
    from meta_pipeline.records import AccessToken

    id = consents.accept_token(
        AccessToken(
            kind="user", value="EAABwaits",
        ), phase=1, through="a test", tokens=web.runtime.vault, engine=web.runtime.engine,
        now=web.app_now(),
    )
    page = web.browser.get(f"/onboardings/{id}").body

    assert "Waiting for the pipeline to pick this up" in page and re.search(r"Started \d+ s ago", page)


def test_the_texts_of_the_dialog_are_not_repeated_on_our_page(web: Web) -> None:
    state = parameter(web.dialog(), "state")
    page = web.browser.get(
        f"/oauth/callback?error=access_denied&error_description=Call+555-0100+now&error_reason=x&state={quote(state)}").body
    other = web.browser.get(f"/oauth/callback?error=Your+account+is+locked&error_description=Call+us&state={quote(state)}").body

    assert "You did not give consent" in page and "555-0100" not in page
    assert "Facebook ended the login" in other and "locked" not in other and "Call us" not in other


def test_browsers_get_an_icon(web: Web) -> None:
    answer = web.browser.get("/favicon.ico")

    assert answer.status == 200 and answer.header("content-type") == "image/x-icon"


def test_no_page_has_internal_terms(web: Web) -> None:
    shown = web.browser.get("/").body + web.browser.get("/connections/new").body
    where = web.connect().header("location")
    shown += web.browser.get(where).body + web.browser.get("/").body
    shown += web.browser.get("/oauth/callback?state=x").body + web.browser.get(where).body

    for phrase in (
        "in need of somebody", "no answer to a question", "not told", "token is sealed", "whoever", "asked for",
        "page_media_view", "score 0", "meta-pipeline", "Expires",
    ):
        assert phrase.lower() not in shown.lower(), phrase
