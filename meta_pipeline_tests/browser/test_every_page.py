"""axe-core finds no violation on any page, on a screen and on a phone. A route or a template that no table here lists
fails a test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from starlette.routing import Route

from harness.sandbox import Sandbox
from harness.web.connections_page import make_web
from harness.web.invited_customer import INTAKE, status_link
from meta_pipeline.consent import reconnect_link
from meta_pipeline.flows.leaving.callbacks import request_erasure
from meta_pipeline.plans import stored
from meta_pipeline.store.leaving import erasures
from meta_pipeline.store.people import invitations
from meta_pipeline.web import site
from meta_pipeline_tests.browser.test_invitations import PENDING_ACCOUNT, Served, Visit, connect_operator, serving
from meta_pipeline_tests.fakes.reel_plans import plan_of_a_reel
from meta_pipeline_tests.web.test_people import link_for

ANYTHING = re.compile(".+")
TEXT = INTAKE.replace("[tenants.north]", '[tenants.north]\nviewers = ["kim@north.example"]')


@dataclass
class Tour:
    """The browsers of an operator and of a guest, and the pages that they open."""

    served: Served
    operator: Page
    guest: Page
    onboarding: str
    ref: str
    page: Page

    def open(self, path: str, *, as_guest: bool = False) -> None:
        """Open a page in one of the browsers."""
        self.page = self.guest if as_guest else self.operator
        self.page.goto(path if path.startswith("http") else f"{self.served.url}{path}")

    def press(self, path: str, button: str, *, as_guest: bool = False) -> None:
        """Open a page and press one of its buttons."""
        self.open(path, as_guest=as_guest)
        self.page.get_by_role("button", name=button).first.click()

    def reconnect(self) -> str:
        """Return the path of the page on which a person connects again."""
        runtime = self.served.web.runtime
        secret = runtime.settings.require("app_secret")
        text = reconnect_link.issue(runtime.engine, key=secret, subject_id="1020000000000001", phase=2, now=runtime.now())
        return f"/connections/new?phase=2&reconnect={text}"

    def deletion(self, *, is_done: bool) -> str:
        """Return the path of an erasure's page."""
        runtime = self.served.web.runtime
        code = request_erasure(
            "person", f"90{is_done:d}", "a test", tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
        if is_done:
            erasures.update(runtime.engine, code, status="done", ended_at=runtime.now())
        return f"/deletions/{code}"

    def accept(self) -> None:
        """Accept an invitation in Facebook's dialog."""
        self.open(self.served.invite()[1], as_guest=True)
        self.page.get_by_role("link", name="Continue to Facebook").click()
        self.page.click("#continue")
        expect(self.page.locator("h1")).to_have_text("Everything is shared", timeout=60_000)

    def status(self) -> str:
        """Return the address of the status page of the accepted invitation."""
        stored = invitations.find_all(self.served.web.runtime.engine)
        (answered,) = [each for each in stored if each.way == "sign_in" and each.state == "verified"]
        return status_link(self.served.web, answered)

    def plan_ad(self) -> str:
        """Store the plan of an ad, and return its id."""
        plan = plan_of_a_reel(now=self.served.web.runtime.now())
        if not stored.load_all(self.served.web.runtime.engine, kinds=(plan.kind,)):
            stored.keep(self.served.web.runtime.engine, plan)
        return stored.load_all(self.served.web.runtime.engine, kinds=(plan.kind,))[0].id

    def wait_for_partner(self) -> None:
        """Claim that a Page is shared although it is not."""
        self.press(self.served.invite("page")[1], "I have shared it", as_guest=True)


# By route, and state where a page has several: the template, and how to open it.
PAGES: dict[str, tuple[str, Callable[[Tour], None]]] = {
    "GET /": ("connections", lambda tour: tour.open("/")),
    "GET /connections/new": ("explain", lambda tour: tour.open("/connections/new")),
    "GET /connections/new to connect again": ("explain", lambda tour: tour.open(tour.reconnect(), as_guest=True)),
    "GET /oauth/callback": ("message", lambda tour: tour.open("/oauth/callback?state=x", as_guest=True)),
    "GET /onboardings/{id}": ("onboarding", lambda tour: tour.open(f"/onboardings/{tour.onboarding}")),
    "GET /connections/{ref}/disconnect": ("disconnect", lambda tour: tour.open(f"/connections/{tour.ref}/disconnect")),
    "GET /deletions/{code} pending": ("deletion", lambda tour: tour.open(tour.deletion(is_done=False), as_guest=True)),
    "GET /deletions/{code} done": ("deletion", lambda tour: tour.open(tour.deletion(is_done=True), as_guest=True)),
    "GET /partners": ("partners", lambda tour: tour.open("/partners")),
    "POST /partners/request": ("partners", lambda tour: _request(tour, PENDING_ACCOUNT)),
    "POST /partners/give refused": ("message", lambda tour: _give(tour, "1" * 40)),
    "GET /ads": ("ads", lambda tour: tour.open(f"/ads?{tour.plan_ad()[:0]}")),
    "GET /ads/{id}": ("ad", lambda tour: tour.open(f"/ads/{tour.plan_ad()}")),
    "GET /system-users": ("system_users", lambda tour: tour.open("/system-users")),
    "POST /system-users/assign": ("message", lambda tour: _assign(tour)),
    "GET /invitations/{link}": ("invitation", lambda tour: tour.open(tour.served.invite()[1], as_guest=True)),
    "GET /invitations/{link} in German": (
        "invitation", lambda tour: tour.open(tour.served.invite(language="de")[1], as_guest=True)),
    "POST /invitations/{link}/decline": (
        "message", lambda tour: tour.press(tour.served.invite()[1], "No, thank you", as_guest=True)),
    "GET /invitations/{link} verified": ("invitation_result", Tour.accept),
    "POST /invitations/{link}/shared": ("invitation_result", Tour.wait_for_partner),
    "GET /invitations/{link} status": ("invitation_status", lambda tour: tour.open(tour.status(), as_guest=True)),
    "GET /invitations/{link}/erase": (
        "invitation_erase", lambda tour: tour.open(f"{tour.status()}/erase", as_guest=True)),
    "GET /tenants/{tenant}": ("tenant", lambda tour: tour.open("/tenants/north")),
    "POST /tenants/{tenant}/invitations": ("invited", lambda tour: tour.press("/tenants/north", "Invite")),
    "POST /tenants/{tenant}/invitations/{id}/reissue": ("invited", lambda tour: tour.press("/tenants/north", "New link")),
    "GET /sign-in": ("sign_in", lambda tour: tour.open("/sign-in", as_guest=True)),
    "GET /sign-in/{link}": (
        "sign_in_link", lambda tour: tour.open(link_for(tour.served.web, "kim@north.example"), as_guest=True)),
    "GET /tenants/{tenant} of a viewer": ("tenant", lambda tour: _sign_in(tour)),
    "POST /invitations/{link}/erase": (
        "message", lambda tour: tour.press(f"{tour.status()}/erase", "Erase for ever", as_guest=True)),
}
# These answer with a redirect to a page above, or with the same message page.
REDIRECTS = {
    "GET /connect", "GET /invitations/{link}/connect", "POST /connections/{ref}/disconnect", "POST /connections/{ref}/check",
    "POST /nodes/{id}/choice", "POST /invitations/{link}/assets", "POST /invitations/{link}/disconnect",
    "POST /tenants/{tenant}/invitations/{id}/revoke", "POST /sign-in", "POST /sign-in/{link}", "POST /sign-out",
    "POST /partners/check", "POST /partners/give", "POST /partners/take-back", "POST /system-users/create",
    "POST /system-users/mint",
}
NO_PAGES = {  # JSON and files; the last is written by dbt
    "GET /health/live", "GET /health/ready", "GET /favicon.ico", "GET /tenants/{tenant}/warehouse.duckdb",
    "POST /callbacks/deauthorize", "POST /callbacks/data-deletion", "GET /webhooks", "POST /webhooks",
    "GET /docs",
}


def test_every_route_and_every_template_is_in_a_table(tmp_path: Path, shared_web_sandbox: Sandbox) -> None:
    app = make_web(tmp_path, shared_web_sandbox).app
    routes = {
        f"{method} {route.path}" for route in app.routes if isinstance(route, Route)
        for method in route.methods or () if method != "HEAD"
    }
    tables = {" ".join(name.split(" ")[:2]) for name in PAGES} | REDIRECTS | NO_PAGES
    templates = {
        file.stem for file in (site.HERE / "templates").glob("*.html") if '{% extends "base.html" %}' in file.read_text()
    }

    assert routes - tables == set() and tables - routes == set()
    assert templates == {template for template, _ in PAGES.values()}


@pytest.fixture
def tour(tmp_path: Path, sandbox: Sandbox, page: Page) -> Iterator[Tour]:
    with serving(tmp_path, sandbox, TEXT) as served:
        connect_operator(served, page)
        assert page.context.browser is not None
        guest = page.context.browser.new_context().new_page()
        (ref,) = [ref for ref in served.web.runtime.vault.refs() if ref.kind == "user"]
        yield Tour(served, page, guest, page.url.rpartition("/")[2], ref.id, page)


def test_no_page_breaks_a_rule_on_a_screen_or_a_phone(tour: Tour, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    load = site.TEMPLATES.get_template

    def get_template(name: str, *arguments: Any) -> object:
        rendered.append(name.removesuffix(".html"))
        return load(name, *arguments)

    monkeypatch.setattr(site.TEMPLATES, "get_template", get_template)
    broken: dict[str, list[str]] = {}
    for name, (template, open_page) in PAGES.items():
        rendered.clear()
        open_page(tour)
        tour.page.wait_for_load_state("load")
        assert template in rendered, name  # other pages may be refreshing themselves
        visit = Visit(tour.page)
        visit.see(ANYTHING)
        broken |= {name: visit.broken} if visit.broken else {}

    assert broken == {}


def _request(tour: Tour, node_id: str) -> None:
    tour.open("/partners")
    tour.page.get_by_label("Id of the ad account").fill(node_id)
    tour.page.get_by_role("button", name="Request").click()


def _give(tour: Tour, partner_id: str) -> None:
    tour.open("/partners")
    tour.page.get_by_label("Id of the partner").fill(partner_id)
    give = tour.page.locator("form[action='/partners/give']")
    give.get_by_label("view performance").uncheck()
    give.get_by_role("button").click()


def _assign(tour: Tour) -> None:
    tour.open("/system-users")
    tour.page.get_by_label("Ids of ad accounts").fill("act_1000000001")
    tour.page.get_by_role("button", name="Give access").click()


def _sign_in(tour: Tour) -> None:
    tour.page.get_by_role("button", name="Sign in").click()
