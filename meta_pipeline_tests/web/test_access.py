"""Access: the sign-in and its end, wrong passwords, reconnect links, and settings with which `serve` does not start."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from harness.sandbox import Sandbox
from harness.web.browser import Browser
from harness.web.connections_page import Web, make_web, parameter
from meta_pipeline import bootstrap
from meta_pipeline.cli.servers.serve import describe_access
from meta_pipeline.consent import reconnect_link, state
from meta_pipeline.consent.signing import digest_of, timed_serializer
from meta_pipeline.records import ConfigError
from meta_pipeline.store.people import sessions
from meta_pipeline.store.schema.people import web_sessions

PASSWORD = "correct horse battery"
SAM = "1020000000000001"  # the sandbox's id of the person who consents


class Clock:
    def __init__(self) -> None:
        self.at = bootstrap.system_now()

    def now(self) -> dt.datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def guarded(tmp_path: Path, sandbox: Sandbox, clock: Clock, waits: list[float]) -> Web:
    async def wait(seconds: float) -> None:
        waits.append(seconds)

    return make_web(
        tmp_path, sandbox, host="0.0.0.0", public_url="https://etl.example", operator_password=PASSWORD, now=clock.now,
        sleep=wait,
    )


def sign_in(web: Web, password: str = PASSWORD, browser: Browser | None = None) -> int:
    browser = browser or web.browser
    token = browser.get("/sign-in").body.split('name="form_token" value="')[1].split('"')[0]
    return browser.post("/sign-in", {"form_token": token, "password": password}).status


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/").status == 200


def sign_out(web: Web, browser: Browser) -> None:
    token = browser.get("/").body.split('name="form_token" value="')[1].split('"')[0]
    assert browser.post("/sign-out", {"form_token": token}).status == 303


def test_a_session_ends_after_twelve_hours(guarded: Web, clock: Clock) -> None:
    assert sign_in(guarded) == 303
    clock.at += dt.timedelta(hours=11, minutes=59, seconds=59)
    assert is_signed_in(guarded.browser)
    clock.at += dt.timedelta(seconds=1)

    assert not is_signed_in(guarded.browser)


def test_a_session_ends_after_twelve_hours_whatever_its_row_says(guarded: Web, clock: Clock) -> None:
    assert sign_in(guarded) == 303
    with guarded.runtime.engine.begin() as connection:
        connection.execute(web_sessions.update().values(ends_at=clock.now() + dt.timedelta(days=30)))
    clock.at += dt.timedelta(hours=12)
    assert is_signed_in(guarded.browser)  # the signature's age is in whole seconds
    clock.at += dt.timedelta(seconds=1)

    assert not is_signed_in(guarded.browser)


def test_a_text_signed_for_another_purpose_is_no_session(guarded: Web, clock: Clock) -> None:
    key, engine = guarded.sandbox.app["app_secret"], guarded.runtime.engine
    assert sign_in(guarded) == 303
    session = timed_serializer("session", key=key, now=clock.now(), bound_to=PASSWORD).dumps("a session")
    others = [
        state.issue(key=key, now=clock.now()), parameter(invited(guarded, clock), "reconnect"),
        guarded.browser.cookies["__Host-meta_pipeline_device"],
        timed_serializer("session", key=key, now=clock.now(), bound_to="an earlier password").dumps("a session"),
    ]
    outcomes = []
    for text in (session, *others):
        sessions.start(engine, digest_of(text), now=clock.now(), ends_at=clock.now() + dt.timedelta(hours=1))
        browser = guarded.another_browser()
        browser.cookies = {"__Host-meta_pipeline_session": text}
        outcomes.append(is_signed_in(browser))

    assert outcomes == [True, False, False, False, False]


def test_signing_out_ends_the_session_also_for_a_copy_of_its_cookie(guarded: Web) -> None:
    other, thief = guarded.another_browser(), guarded.another_browser()
    assert sign_in(guarded) == sign_in(guarded, browser=other) == 303
    thief.cookies = dict(guarded.browser.cookies)
    assert is_signed_in(thief)
    sign_out(guarded, guarded.browser)

    assert not is_signed_in(thief) and not is_signed_in(guarded.browser) and is_signed_in(other)


def test_a_new_password_ends_every_session_and_a_restart_none(guarded: Web, tmp_path: Path, clock: Clock) -> None:
    from meta_pipeline.web.app import create_app

    assert sign_in(guarded) == 303
    again = Browser(create_app(guarded.runtime, host="0.0.0.0"), cookies=dict(guarded.browser.cookies))
    assert is_signed_in(again)
    runtime = bootstrap.Runtime(guarded.runtime.settings.model_copy(update={
        "operator_password": SecretStr("another long password")}), now=clock.now)

    assert not is_signed_in(Browser(create_app(runtime, host="0.0.0.0"), cookies=dict(guarded.browser.cookies)))


def test_the_store_holds_no_cookie(guarded: Web, tmp_path: Path) -> None:
    assert sign_in(guarded) == 303
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    assert guarded.browser.cookies["__Host-meta_pipeline_session"].encode() not in stored


def test_a_stranger_does_not_lock_the_operator_out(guarded: Web, waits: list[float]) -> None:
    stranger = Browser(guarded.app, address="203.0.113.9")
    assert [sign_in(guarded, f"wrong {n}", stranger) for n in range(20)] == [403] * 20
    assert len(waits) == 15  # all but five of them were slow

    assert sign_in(guarded, browser=Browser(guarded.app, address="198.51.100.1")) == 303
    assert len(waits) == 15
    assert sign_in(guarded, browser=Browser(guarded.app, address="203.0.113.9")) == 303  # the same network: slow


def test_a_device_that_signed_in_before_is_not_slowed_by_its_neighbours(guarded: Web, waits: list[float]) -> None:
    operator, stranger = guarded.browser, guarded.another_browser()
    assert sign_in(guarded) == 303
    sign_out(guarded, operator)
    assert {sign_in(guarded, "wrong", stranger) for _ in range(9)} == {403}
    before = len(waits)

    assert sign_in(guarded) == 303 and len(waits) == before


def test_neighbours_in_one_ipv6_network_are_one_sender(guarded: Web, waits: list[float]) -> None:
    for n in range(6):
        sign_in(guarded, "wrong", Browser(guarded.app, address=f"2001:db8::{n}"))
    assert len(waits) == 1
    sign_in(guarded, "wrong", Browser(guarded.app, address="2001:db8:0:1::1"))
    assert len(waits) == 1


def test_wrong_passwords_are_forgotten_after_a_minute(guarded: Web, clock: Clock, waits: list[float]) -> None:
    for _ in range(6):
        sign_in(guarded, "wrong")
    assert len(waits) == 1
    clock.at += dt.timedelta(seconds=61)
    sign_in(guarded, "wrong")
    assert len(waits) == 1


def test_the_number_of_simultaneous_guesses_is_limited(tmp_path: Path, sandbox: Sandbox) -> None:
    go_on = threading.Event()

    async def wait(seconds: float) -> None:
        import asyncio

        while not go_on.is_set():
            await asyncio.sleep(0.01)

    web = make_web(tmp_path, sandbox, operator_password=PASSWORD, sleep=wait)
    browser, statuses, lock = web.browser, [], threading.Lock()
    token = browser.get("/sign-in").body.split('name="form_token" value="')[1].split('"')[0]

    def guess(n: int) -> None:
        mine = Browser(web.app, cookies=dict(browser.cookies))
        status = mine.post("/sign-in", {"form_token": token, "password": f"wrong {n}"}).status
        with lock:
            statuses.append(status)
            if statuses.count(429) == 45:
                go_on.set()

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert (statuses.count(403), statuses.count(429)) == (35, 45)  # five at once, thirty slow ones, no more


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_password_that_is_set_is_required_on_this_machine_too(tmp_path: Path, sandbox: Sandbox, host: str) -> None:
    web = make_web(tmp_path, sandbox, host=host, operator_password="short")

    assert web.browser.get("/").header("location") == "/sign-in"
    assert web.browser.get("/connect?phase=1").header("location") == "/sign-in"
    assert sign_in(web, "short") == 303 and is_signed_in(web.browser)
    assert "operators sign in" in describe_access(web.runtime.settings, host, web.runtime.intake)


def test_serve_describes_who_has_access(web: Web, guarded: Web) -> None:
    assert describe_access(web.runtime.settings, "127.0.0.1", web.runtime.intake) == (
        "only this machine can reach these pages; nobody signs in, because META_PIPELINE_OPERATOR_PASSWORD is not set")
    assert describe_access(guarded.runtime.settings, "0.0.0.0", guarded.runtime.intake).startswith("other machines can reach these pages; operators")


@pytest.mark.parametrize(("settings", "reason"), [
    ({"operator_password": "elevenchars"}, "fewer than 12 characters"),
    ({"operator_password": PASSWORD, "public_url": "http://etl.example"}, "must be https://"),
    ({}, "META_PIPELINE_OPERATOR_PASSWORD is not set"),
])
def test_unsafe_settings_are_refused_when_other_machines_have_access(tmp_path: Path, sandbox: Sandbox, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_web(tmp_path, sandbox, host="0.0.0.0", **settings)
    with pytest.raises(ConfigError, match=reason):
        make_web(tmp_path, sandbox, **{"public_url": "https://etl.example", **settings})


def invited(web: Web, clock: Clock, *, subject_id: str = SAM, phase: int = 1) -> str:
    text = reconnect_link.issue(
        web.runtime.engine, key=web.sandbox.app["app_secret"], subject_id=subject_id, phase=phase, now=clock.now()
    )
    return web.runtime.action_links.reconnect(phase, text).removeprefix("https://etl.example")


def test_a_reconnect_link_lets_its_person_connect_once_and_nothing_else(guarded: Web, clock: Clock) -> None:
    guest, link = guarded.another_browser(), invited(guarded, clock)
    page = guest.get(link)
    assert page.status == 200 and "Read ads and their results" in page.body
    dialog = guarded.dialog(link.replace("/connections/new", "/connect"), guest)
    where = guest.get(guarded.consented(dialog)).header("location")

    assert "Sam Operator is connected" in guest.get(where).body
    assert guest.get("/").header("location") == "/sign-in"
    assert guarded.another_browser().get(where).status == 404
    assert guest.get(link).status == 410 and guest.get(link.replace("/connections/new", "/connect")).status == 410


def test_a_reconnect_link_ends_after_72_hours(guarded: Web, clock: Clock) -> None:
    guest, link = guarded.another_browser(), invited(guarded, clock).replace("/connections/new", "/connect")
    clock.at += dt.timedelta(hours=71, minutes=59, seconds=59)
    assert guest.get(link).header("location").startswith(guarded.sandbox.url)
    for _ in range(2):  # at 72 hours, and a second after
        clock.at += dt.timedelta(seconds=1)
        page = guest.get(link)
        assert page.status == 410 and "72 hours" in page.body


def test_a_reconnect_link_is_valid_for_its_phase_only(guarded: Web, clock: Clock) -> None:
    link = invited(guarded, clock, phase=1).replace("/connections/new", "/connect")
    guest = guarded.another_browser()

    assert guest.get(link.replace("phase=1", "phase=2")).header("location") == "/sign-in"
    for made_up in ("1.x", "", "é", "x" * 5000):
        assert guest.get(f"/connect?phase=1&reconnect={made_up}").header("location") == "/sign-in"


def test_somebody_else_can_not_use_a_reconnect_link(guarded: Web, clock: Clock) -> None:
    guest, link = guarded.another_browser(), invited(guarded, clock, subject_id="another person")
    dialog = guarded.dialog(link.replace("/connections/new", "/connect"), guest)
    page = guest.get(guest.get(guarded.consented(dialog)).header("location")).body

    assert "This did not work" in page and "sent to somebody else" in page
    assert guarded.runtime.vault.refs() == []


def test_the_store_holds_no_reconnect_link(guarded: Web, clock: Clock, tmp_path: Path) -> None:
    text = parameter(invited(guarded, clock), "reconnect")
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    assert text.encode() not in stored
