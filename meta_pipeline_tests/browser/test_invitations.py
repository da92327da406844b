"""An invitation in a real browser, on a screen and on a phone: from the link through Meta's dialog to verified assets,
and every way it ends. axe-core finds no violation on its pages."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from harness.sandbox import Sandbox
from harness.web.connections_page import Web
from harness.web.invited_customer import INTAKE, Clock, invite, make_inviting_web
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.leaving.erasing import run_erasures
from meta_pipeline.flows.leaving.places import places_of
from meta_pipeline.flows.sign_ins import sign_ins
from meta_pipeline.store.people import invitations
from meta_pipeline.web.app import create_app
from meta_pipeline.web.server import server_for
from meta_pipeline_tests.browser.test_accessibility import violations
from meta_pipeline_tests.browser.test_pages import fits
from meta_pipeline_tests.web.test_people import link_for

WIDTHS = [1280, 390]
PENDING_ACCOUNT, PENDING_PAGE = "act_1000000801", "3000000000004"
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@dataclass
class Served:
    """A server with an intake, its URL and its clock."""

    web: Web
    url: str
    clock: Clock

    def invite(self, *kinds: str, language: str = "en") -> tuple[str, str]:
        """Return the id of a new invitation, and its link."""
        invitation, path = invite(self.web, *kinds, language=language)
        return invitation.id, f"{self.url}{path.removeprefix(self.url)}"


@contextlib.contextmanager
def serving(path: Path, sandbox: Sandbox, text: str = INTAKE) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        clock = Clock()
        web = make_inviting_web(path, sandbox, clock, text, public_url=url, features="business_writes")
        server = server_for(create_app(web.runtime))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Served(web, url, clock)
        finally:
            server.should_exit = True
            thread.join(60)


def connect_operator(served: Served, page: Page) -> None:
    """Sign an operator in and give consent as them."""
    page.goto(link_for(served.web, "ann@agency.example"))
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{served.url}/connect?phase=2")
    page.click("#continue")
    expect(page.locator("h1")).to_have_text("Sam Operator is connected", timeout=60_000)


class Visit:
    """The pages that a browser shows, each checked on a screen and on a phone; `broken` has the violations."""

    def __init__(self, page: Page, *widths: int) -> None:
        self.page, self.widths, self.broken = page, widths or WIDTHS, list[str]()
        self.screens: list[str] = []
        page.set_viewport_size({"width": self.widths[0], "height": 900})

    def see(self, heading: str | re.Pattern[str]) -> None:
        expect(self.page.locator("h1")).to_have_text(heading, timeout=60_000)
        title = self.page.inner_text("h1")
        self.screens.append(title)
        self.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        for width in self.widths:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.broken += violations(self.page)
            fits(self.page)
            if SCREENSHOTS:
                name = f"{len(self.screens)}-{title[:30].replace(' ', '-').replace('?', '').replace(':', '')}-{width}.png"
                self.page.screenshot(path=Path(SCREENSHOTS) / name, full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_link_to_verified_assets_in_three_screens(tmp_path: Path, sandbox: Sandbox, page: Page, width: int) -> None:
    with serving(tmp_path, sandbox) as served:
        id, link = served.invite()
        visit, screens = Visit(page, width), list[str]()
        page.on("response", lambda response: screens.append(response.url) if _is_screen(response, served.url) else None)
        page.goto(link)
        visit.see("Example Agency asks for access")
        page.get_by_role("link", name="Continue to Facebook").click()
        page.click("#continue")
        visit.see("Everything is shared")
        assert screens == [link, link]  # the invitation, and what is shared
        expect(page.locator("main")).to_contain_text("Northwind US")
        expect(page.locator("main")).to_contain_text("Yesterday")
        assert page.locator("input[type=checkbox]:checked").count() == 3
        page.get_by_role("button", name="Collect only what is ticked").click()
        expect(page.get_by_role("status")).to_have_text("Your choice is saved.")
        assert len(screens) <= 3 and page.url.startswith(link)

        issued = issuing.reissue(
            id, actor="a test", engine=served.web.runtime.engine, public_url=served.url, now=served.web.app_now())
        page.goto(link)
        visit.see("There is a newer link")
        page.goto(issued.url)
        visit.see("What Northwind shares with Example Agency")
        page.get_by_role("link", name="Erase").click()
        visit.see("Erase what Northwind shares with Example Agency?")
        page.get_by_role("link", name="Keep it").click()
        page.get_by_role("link", name="Erase").click()
        page.get_by_role("button", name="Erase for ever").click()
        visit.see("The data is being erased")
        page.get_by_role("link", name="Show the progress").click()
        visit.see("Pending: the data is being erased")
        run_erasures(places_of(served.web.runtime))
        page.reload()
        visit.see("Done: the data was erased")
        page.goto(issued.url)
        visit.see("Error 404")
        assert visit.broken == []


def _is_screen(response: Response, url: str) -> bool:
    return response.request.resource_type == "document" and response.status == 200 and response.url.startswith(url)


def test_a_share_as_partner_is_found_once_the_admin_accepts_and_lapses_when_they_refuse(
    tmp_path: Path, sandbox: Sandbox, page: Page
) -> None:
    text = INTAKE.replace("2000000000009", "2000000000001").replace("act_1000000001", PENDING_ACCOUNT)
    with serving(tmp_path, sandbox, text.replace("3000000000001", PENDING_PAGE)) as served:
        web, visit = served.web, Visit(page)
        connect_operator(served, page.context.browser.new_context().new_page())  # type: ignore[union-attr]
        id, link = served.invite("ad_account")
        page.goto(link)
        page.get_by_role("button", name="I have shared it").click()
        visit.see("Waiting for your share")
        expect(page.locator("main")).to_contain_text("Checked so far: 1×", timeout=60_000)
        served.clock.at += dt.timedelta(minutes=5)
        page.reload()
        expect(page.locator("main")).to_contain_text("Checked so far: 2×", timeout=60_000)
        sandbox.control("shares", {"node": PENDING_ACCOUNT, "answer": "accept"})
        page.reload()
        expect(page.locator("h1")).to_have_text("Waiting for your share")  # the next check is not due
        served.clock.at += dt.timedelta(minutes=15)
        page.reload()
        visit.see("Everything is shared")
        expect(page.locator("main")).to_contain_text(PENDING_ACCOUNT)
        stored = invitations.find(web.runtime.engine, id)
        assert stored is not None and (stored.state, stored.checks) == ("verified", 3)

        _, link = served.invite("page")
        page.goto(link)
        page.get_by_role("button", name="I have shared it").click()
        expect(page.locator("main")).to_contain_text("Checked so far: 1×", timeout=60_000)  # before the clock moves
        sandbox.control("shares", {"node": PENDING_PAGE, "answer": "refuse"})
        served.clock.at += dt.timedelta(minutes=5)
        page.reload()
        expect(page.locator("main")).to_contain_text("Checked so far: 2×", timeout=60_000)
        served.clock.at += dt.timedelta(days=7)
        page.reload()
        visit.see("This invitation has ended")
        assert visit.broken == []


def test_refused_declined_revoked_lapsed_and_used_invitations_have_a_page_each(
    tmp_path: Path, sandbox: Sandbox, page: Page
) -> None:
    with serving(tmp_path, sandbox) as served:
        visit, engine, now = Visit(page), served.web.runtime.engine, served.web.app_now
        _, link = served.invite(language="de")
        page.goto(link)
        visit.see("Example Agency bittet um Zugriff")
        page.get_by_role("link", name="Weiter zu Facebook").click()
        page.click("#cancel")
        visit.see("Sie haben nicht zugestimmt")
        page.get_by_role("link", name="Zurück zur Einladung").click()
        visit.see("Example Agency bittet um Zugriff")

        id, link = served.invite()
        page.goto(link)
        page.get_by_role("button", name="No, thank you").click()
        visit.see("You declined")
        issuing.revoke(id, actor="a test", engine=engine, now=now())
        page.goto(link)
        visit.see("This invitation was taken back")

        _, link = served.invite()
        other = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
        page.goto(link)
        page.get_by_role("link", name="Continue to Facebook").click()
        answer = page.get_attribute("#continue", "href")
        assert answer
        other.goto(answer)
        expect(other.locator("h1")).to_have_text("Please start again in this browser")
        page.click("#continue")
        visit.see("Everything is shared")
        other.goto(link)
        expect(other.locator("h1")).to_have_text("This link was used")
        page.goto(answer)
        visit.see("This answer was used before")

        _, link = served.invite()
        served.clock.at += dt.timedelta(days=8)
        page.goto(link)
        visit.see("This invitation has ended")
        page.goto(f"{served.url}/invitations/nothing")
        visit.see("Error 404")
        assert visit.broken == []


def test_missing_access_is_listed_after_consent_and_after_sharing_as_partner(tmp_path: Path, sandbox: Sandbox, page: Page) -> None:
    sandbox.control("tasks", {"node": "act_1000000001", "tasks": ["ADVERTISE"]})
    text = INTAKE.replace('"3000000000001"', '"3000000000404"').replace('"17841400000000001"', '"17841400000000404"')
    with serving(tmp_path, sandbox, text) as served:
        visit = Visit(page)
        _, link = served.invite()
        page.goto(link)
        page.get_by_role("link", name="Continue to Facebook").click()
        page.click("#edit summary")
        page.uncheck("input[value=read_insights]")
        page.click("#choose")
        visit.see("Something is missing")
        for sentence in ("was not given on Facebook", "“View performance”", "you have no role on it", "no Instagram account"):
            expect(page.locator(".issues")).to_contain_text(sentence)

        _, link = served.invite("ad_account")
        page.goto(link)
        visit.see("Example Agency asks for access")
        page.get_by_role("button", name="I have shared it").click()
        visit.see("Something is missing")  # found at once, through the access that was just given

        runtime = served.web.runtime
        links = sign_ins(runtime.settings, engine=runtime.engine, intake=runtime.intake, now=runtime.now())
        page.goto(f"{served.url}/sign-in")
        visit.see("Sign in")
        page.goto(links.url_for("ann@agency.example"))
        visit.see("Sign in")
        page.get_by_role("button", name="Sign in").click()
        visit.see("Connections")
        page.goto(f"{served.url}/tenants/north")
        visit.see("Northwind")
        page.get_by_role("button", name="Invite").click()
        visit.see("Send this link")
        assert visit.broken == []
