"""Accessibility of the connections page: axe-core finds no violation on any of its pages, light, dark and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from harness.sandbox import Sandbox
from meta_pipeline_tests.browser.conftest import serving

AXE = Axe()


def violations(page: Page) -> list[str]:
    """Return a line for each element that breaks a rule of axe-core: the rule, the page, and the element."""
    return [
        f"{violation['id']} on {page.url}: {node['html'][:120]} {node['failureSummary']}"
        for violation in AXE.run(page).response["violations"] for node in violation["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_no_page_of_a_connection_breaks_a_rule(
    address: str, page: Page, sandbox: Sandbox, scheme: Literal["light", "dark"], width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    broken: list[str] = []

    def check(heading: str) -> None:
        expect(page.locator("h1")).to_have_text(heading, timeout=60_000)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        broken.extend(violations(page))

    page.goto(address)
    check("Connections")  # empty
    page.get_by_role("link", name="Connect", exact=True).click()
    check("Before Facebook opens")
    page.get_by_role("link", name="Continue to Facebook").last.click()
    page.click("#continue")
    check("Sam Operator is connected")
    page.goto(address)
    check("Connections")
    page.get_by_role("link", name="Disconnect").click()
    check("Disconnect Sam Operator?")
    page.get_by_role("link", name="Stay connected").click()
    sandbox.control("dead", {"subcode": 460, "kind": "USER"})
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("article")).to_contain_text("changed the password")
    check("Connections")
    page.goto(f"{address}/oauth/callback?state=x")
    check("This link can't be used")
    page.goto(f"{address}/nowhere")
    broken.extend(violations(page))

    assert broken == []


def test_the_sign_in_breaks_no_rule(tmp_path: Path, sandbox: Sandbox, page: Page) -> None:
    with serving(tmp_path, sandbox, operator_password="correct horse battery") as url:
        page.goto(f"{url}/sign-in")
        before = violations(page)
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()

        assert before + violations(page) == []


def test_a_broken_page_would_be_noticed(page: Page) -> None:
    page.set_content("<main><img src='x.png'><input></main>")

    assert {line.partition(" ")[0] for line in violations(page)} >= {"image-alt", "label", "html-has-lang"}
