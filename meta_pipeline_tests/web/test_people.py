"""The people of the intake: how they sign in, and that a viewer reaches their tenant's page and file and nothing else."""

from __future__ import annotations

import datetime as dt
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.routing import Route

from harness.sandbox import Sandbox
from harness.web.browser import Answer, Browser
from harness.web.connections_page import Web, make_web
from meta_pipeline import bootstrap
from meta_pipeline.cli.main import cli
from meta_pipeline.consent import sign_in_link
from meta_pipeline.flows.sign_ins import sign_ins
from meta_pipeline.records import ConfigError
from meta_pipeline_tests.fakes.alert_receivers import Mail

PASSWORD = "correct horse battery"
NORTH = '[tenants.north]\nname = "Northwind"\nad_accounts = ["act_1000000001"]\nviewers = ["kim@north.example"]\n'
SOUTH = '[tenants.south]\nad_accounts = ["act_1000000005"]\noperators = ["lee@south.example"]\n'
INTAKE = f'operators = ["ann@agency.example"]\n{NORTH}{SOUTH}'


class Clock:
    def __init__(self) -> None:
        self.at = bootstrap.system_now()

    def now(self) -> dt.datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> Web:
    return with_intake(tmp_path, sandbox, clock, INTAKE)


def with_intake(path: Path, sandbox: Sandbox, clock: Clock, text: str, **settings: Any) -> Web:
    (path / "intake.toml").write_text(text)
    return make_web(path, sandbox, now=clock.now, tenants=path / "intake.toml", **settings)


def link_for(web: Web, email: str) -> str:
    runtime = web.runtime
    return sign_ins(runtime.settings, engine=runtime.engine, intake=runtime.intake, now=runtime.now()).url_for(email)


def form_token(body: str) -> str:
    field = re.search(r'name="form_token" value="([^"]+)"', body)
    assert field, body
    return field[1]


def follow(web: Web, url: str, browser: Browser | None = None) -> Answer:
    """Open a sign-in link and press its button."""
    browser = browser or web.browser
    path = url.removeprefix(web.runtime.settings.public_url)
    page = browser.get(path)
    return browser.post(path, {"form_token": form_token(page.body)}) if page.status == 200 else page


def signed_in(web: Web, email: str) -> Browser:
    browser = web.another_browser()
    assert follow(web, link_for(web, email), browser).status == 303
    return browser


def paths_of(web: Web) -> list[tuple[str, str]]:
    """Return every method and path of the app, with existing values for the parameters of paths."""
    (ref,) = [ref for ref in web.runtime.vault.refs() if ref.kind == "user"]
    values = {"ref": ref.id, "tenant": "south"}
    routes = [route for route in web.app.routes if isinstance(route, Route)]
    return [
        (method, re.sub(r"{(\w+)}", lambda part: values.get(part[1], "x"), route.path))
        for route in routes for method in sorted(route.methods or ()) if method != "HEAD"
    ]


HARMLESS = {
    ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/favicon.ico"), ("GET", "/sign-in"), ("POST", "/sign-in"),
    ("POST", "/sign-out"),
}


def test_a_viewer_sees_their_tenants_page_and_file_and_can_do_nothing_else(web: Web, sandbox: Sandbox) -> None:
    operator = signed_in(web, "ann@agency.example")
    operator.get(web.consented(web.dialog("/connect?phase=2", operator)))
    published = web.runtime.settings.root / "published"
    for name in ("north", "south"):
        (published / name).mkdir(parents=True)
        (published / name / "warehouse.duckdb").write_text(f"the rows of {name}")
    viewer = signed_in(web, "kim@north.example")
    page = viewer.get("/tenants/north")
    assert page.status == 200 and "Northwind US" in page.body and "Aroha" not in page.body and "/tenants/south" not in page.body
    assert viewer.get("/tenants/north/warehouse.duckdb").body == "the rows of north"
    assert 'href="/docs"' not in page.body and 'href="/"' in page.body

    tried = [each for each in paths_of(web) if each not in HARMLESS]
    assert len(tried) >= 12 and ("GET", "/tenants/south/warehouse.duckdb") in tried and ("GET", "/connect") in tried
    calls, rows = sandbox.control("calls"), web.rows()
    statuses = {}
    for method, path in tried:
        form = {"form_token": form_token(viewer.get("/tenants/north").body), "phase": "1"}
        answer = viewer.get(path) if method == "GET" else viewer.post(path, form)
        statuses[method, path] = answer.status
        assert "Sam Operator" not in answer.body and "rows of south" not in answer.body

    assert {key: status for key, status in statuses.items() if status < 400} == {}
    assert sandbox.control("calls") == calls and web.rows() == rows
    assert viewer.get("/connect?phase=2").status == viewer.get("/connections/new").status == 403


def test_an_operator_of_a_tenant_sees_that_tenant_only(web: Web) -> None:
    browser = signed_in(web, "lee@south.example")

    assert browser.get("/tenants/south").status == 200 and browser.get("/tenants/north").status == 404
    assert browser.get("/").status == browser.get("/connect?phase=1").status == 403


def test_operators_who_are_named_sign_in_by_link_and_not_by_password(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> None:
    web = with_intake(tmp_path, sandbox, clock, INTAKE, operator_password=PASSWORD)
    page = web.browser.get("/sign-in").body
    assert "Operator password" not in page
    token = form_token(web.browser.get(link_for(web, "ann@agency.example").removeprefix("http://localhost:8600")).body)
    assert web.browser.post("/sign-in", {"form_token": token, "password": PASSWORD}).status == 403

    operator = signed_in(web, "Ann@Agency.example")
    assert operator.get("/").status == operator.get("/tenants/north").status == 200
    assert web.another_browser().get("/").header("location") == "/sign-in"


def test_the_password_is_valid_while_no_operator_is_named(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> None:
    web = with_intake(tmp_path, sandbox, clock, NORTH, operator_password=PASSWORD)
    page = web.browser.get("/sign-in").body
    assert web.browser.post("/sign-in", {"form_token": form_token(page), "password": PASSWORD}).status == 303
    assert web.browser.get("/").status == 200

    (tmp_path / "intake.toml").write_text(INTAKE)  # from now on operators are named
    assert web.browser.get("/").header("location") == "/sign-in"


def test_serve_accepts_other_machines_when_operators_are_named(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> None:
    web = with_intake(tmp_path, sandbox, clock, INTAKE, host="0.0.0.0", public_url="https://etl.example")
    assert web.browser.get("/").header("location") == "/sign-in"
    (tmp_path / "bare").mkdir()

    with pytest.raises(ConfigError, match="META_PIPELINE_OPERATOR_PASSWORD is not set"):
        with_intake(tmp_path / "bare", sandbox, clock, '[tenants.a]\nnodes = ["1"]', host="0.0.0.0")


def test_a_link_works_once_for_fifteen_minutes_and_opening_it_does_not_use_it(web: Web, clock: Clock) -> None:
    url = link_for(web, "kim@north.example")
    path = url.removeprefix(web.runtime.settings.public_url)
    assert [web.another_browser().get(path).status for _ in range(3)] == [200] * 3
    assert web.another_browser().post(path, {"form_token": "x"}).status == 403  # another page's form
    answer = follow(web, url)
    assert answer.status == 303 and answer.header("location") == "/tenants/north"
    again = follow(web, url, web.another_browser())
    assert again.status == 404 and "used" in again.body

    late = link_for(web, "kim@north.example")
    clock.at += sign_in_link.LIFE
    assert follow(web, late, web.another_browser()).status == 404


def test_two_browsers_can_not_use_one_link(web: Web) -> None:
    path = link_for(web, "ann@agency.example").removeprefix(web.runtime.settings.public_url)
    browsers = [web.another_browser() for _ in range(6)]
    forms = [form_token(browser.get(path).body) for browser in browsers]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda b=browser, f=form: statuses.append(b.post(path, {"form_token": f}).status))
        for browser, form in zip(browsers, forms, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(statuses) == [303] + [404] * 5


def test_a_person_removed_from_the_intake_is_signed_out_at_once(web: Web, tmp_path: Path) -> None:
    viewer, operator = signed_in(web, "kim@north.example"), signed_in(web, "ann@agency.example")
    pending = link_for(web, "kim@north.example")
    (tmp_path / "intake.toml").write_text(INTAKE.replace("kim@", "new@"))

    assert viewer.get("/tenants/north").header("location") == "/sign-in" and operator.get("/").status == 200
    assert follow(web, pending, web.another_browser()).status == 404
    (tmp_path / "intake.toml").write_text("[tenants")  # an invalid file: the last valid one counts
    assert operator.get("/").status == 200 and viewer.get("/tenants/north").header("location") == "/sign-in"


def test_a_session_ends_with_its_age_and_by_signing_out(web: Web, clock: Clock) -> None:
    viewer = signed_in(web, "kim@north.example")
    copy = Browser(web.app, cookies=dict(viewer.cookies))
    clock.at += dt.timedelta(hours=11)
    assert copy.get("/tenants/north").status == 200
    assert viewer.post("/sign-out", {"form_token": form_token(viewer.get("/tenants/north").body)}).status == 303
    assert copy.get("/tenants/north").header("location") == "/sign-in"


@pytest.mark.parametrize("email", ["kim@north.example", "eve@north.example", "x" * 60_000, "a\r\nBcc: b@c.example"])
def test_the_sign_in_page_does_not_reveal_who_is_named_and_mails_a_link(
    tmp_path: Path, sandbox: Sandbox, clock: Clock, mail: Mail, email: str
) -> None:
    web = with_intake(tmp_path, sandbox, clock, INTAKE, smtp_url=mail.url)
    page = web.browser.get("/sign-in").body
    answer = web.browser.post("/sign-in", {"form_token": form_token(page), "email": email})
    assert answer.status == 200 and "If this address may sign in here" in answer.body and email not in answer.body
    if not email.startswith("kim"):
        assert mail.received == []
        return
    (received,) = mail.received
    assert received["to"] == email
    url = received.get_content().partition("Sign in: ")[2].strip()
    assert follow(web, url).header("location") == "/tenants/north"
    for _ in range(9):  # a mailbox is not filled
        web.browser.post("/sign-in", {"form_token": form_token(web.another_browser().get("/sign-in").body), "email": email})
    assert len(mail.received) <= 1 + sign_in_link.MOST_OPEN


def test_the_store_has_neither_links_nor_addresses(web: Web, tmp_path: Path) -> None:
    url = link_for(web, "kim@north.example")
    viewer = signed_in(web, "kim@north.example")
    stored = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())

    assert url.rpartition("/")[2].encode() not in stored and b"kim@north" not in stored
    assert viewer.cookies["meta_pipeline_session"].encode() not in stored


def test_the_command_prints_a_link_and_lists_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: Web
) -> None:
    monkeypatch.setenv("META_PIPELINE_HOME", str(web.runtime.settings.home))
    monkeypatch.setenv("META_PIPELINE_TENANTS", str(tmp_path / "intake.toml"))
    monkeypatch.setenv("META_PIPELINE_APP_SECRET", web.sandbox.app["app_secret"])
    listed = CliRunner().invoke(cli, ["people", "list", "--json"]).output
    assert '"email": "lee@south.example", "role": "operator of tenants", "tenants": "south"' in listed
    url = CliRunner().invoke(cli, ["people", "link", "kim@north.example"]).output.strip()
    assert follow(web, url).status == 303
    error = CliRunner().invoke(cli, ["people", "link", "eve@north.example"]).exception
    assert isinstance(error, ConfigError) and "META_PIPELINE_TENANTS" in str(error)
