"""An invitation in a real browser: from the link over Meta's dialog to verified assets, on a screen and on a phone; the
ways it ends; and no barrier on any of its pages."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from harness.sandbox import Sandbox
from harness.web.connections_page import Web
from harness.web.invited_customer import INTAKE, Clock, invite, make_inviting_web
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.sign_ins import sign_ins
from meta_pipeline.web.app import create_app
from meta_pipeline.web.server import server_for
from meta_pipeline_tests.browser.test_accessibility import violations
from meta_pipeline_tests.browser.test_pages import fits

WIDTHS = [1280, 390]
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@dataclass
class Served:
    """A server with an intake, and where it is."""

    web: Web
    url: str

    def invite(self, *kinds: str, language: str = "en") -> tuple[str, str]:
        """Return the id of a new invitation, and its link."""
        invitation, path = invite(self.web, *kinds, language=language)
        return invitation.id, f"{self.url}{path.removeprefix(self.url)}"


@contextlib.contextmanager
def serving(path: Path, sandbox: Sandbox, text: str = INTAKE) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        web = make_inviting_web(path, sandbox, Clock(), text, public_url=url)
        server = server_for(create_app(web.runtime))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Served(web, url)
        finally:
            server.should_exit = True
            thread.join(60)


class Visit:
    """What a browser has seen: every page is checked when it is shown."""

    def __init__(self, page: Page, width: int) -> None:
        self.page, self.width, self.broken = page, width, list[str]()
        self.screens: list[str] = []
        page.set_viewport_size({"width": width, "height": 900})

    def see(self, heading: str) -> None:
        expect(self.page.locator("h1")).to_have_text(heading, timeout=60_000)
        self.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        self.broken += violations(self.page)
        fits(self.page)
        self.screens.append(heading)
        if SCREENSHOTS:
            name = f"{len(self.screens)}-{heading[:30].replace(' ', '-').replace('?', '')}-{self.width}.png"
            self.page.screenshot(path=Path(SCREENSHOTS) / name, full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_link_to_verified_assets_in_three_screens(tmp_path: Path, sandbox: Sandbox, page: Page, width: int) -> None:
    with serving(tmp_path, sandbox) as served:
        id, link = served.invite()
        visit = Visit(page, width)
        page.goto(link)
        visit.see("Example Agency asks for access")
        page.get_by_role("link", name="Continue to Facebook").click()
        page.click("#continue")
        visit.see("Everything is shared")
        expect(page.locator("main")).to_contain_text("Northwind US")
        expect(page.locator("main")).to_contain_text("Yesterday")
        assert page.locator("input[type=checkbox]:checked").count() == 3
        page.get_by_role("button", name="Collect only what is ticked").click()
        expect(page.get_by_role("status")).to_have_text("Your choice is saved.")
        assert len(visit.screens) <= 3 and page.url.startswith(link)

        issued = issuing.reissue(
            id, actor="a test", engine=served.web.runtime.engine, public_url=served.url, now=served.web.app_now())
        page.goto(link)
        visit.see("There is a newer link")
        page.goto(issued.url)
        visit.see("What Northwind shares with Example Agency")
        page.get_by_role("button", name="Disconnect").click()
        visit.see("Disconnect")
        assert visit.broken == []


@pytest.mark.parametrize("width", WIDTHS)
def test_refused_declined_revoked_lapsed_and_used_are_one_page_each(
    tmp_path: Path, sandbox: Sandbox, page: Page, width: int
) -> None:
    with serving(tmp_path, sandbox) as served:
        visit, engine, now = Visit(page, width), served.web.runtime.engine, served.web.app_now
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
        served.web.runtime.now.__self__.at += issuing.dt.timedelta(days=8)  # type: ignore[attr-defined]
        page.goto(link)
        visit.see("This invitation has ended")
        page.goto(f"{served.url}/invitations/nothing")
        visit.see("Error 404")
        assert visit.broken == []


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_missing_and_sharing_as_partner(tmp_path: Path, sandbox: Sandbox, page: Page, width: int) -> None:
    sandbox.control("tasks", {"node": "act_1000000001", "tasks": ["ADVERTISE"]})
    text = INTAKE.replace('"3000000000001"', '"3000000000404"').replace('"17841400000000001"', '"17841400000000404"')
    with serving(tmp_path, sandbox, text) as served:
        visit = Visit(page, width)
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
