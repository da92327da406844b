"""The connections page in a real browser, without Dagster: connect, decline, disconnect, connect again; on a phone too."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

PHONE: ViewportSize = {"width": 390, "height": 844}


def fits(page: Page) -> None:
    """Assert that nothing is cut or wider than the window, except table heads, which only screen readers use."""
    wide = page.evaluate(
        "[...document.querySelectorAll('main *:not(thead, thead *)')].filter(each => each.getBoundingClientRect().right > innerWidth + 1 || "
        "(each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== 'visible')).map(each => each.outerHTML)")
    assert not wide
    assert page.viewport_size is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_connect_decline_disconnect_and_connect_again(address: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address)
    page.get_by_role("link", name="Connect", exact=True).click()
    expect(page.locator("h1")).to_have_text("Before Facebook opens")
    page.get_by_role("link", name="Continue to Facebook").last.click()
    page.click("#continue")
    expect(page.locator("h1")).to_have_text("Sam Operator is connected", timeout=60_000)
    expect(page.locator("#elapsed")).to_have_text(re.compile(r"Started \d+ s ago"))
    page.goto(address)
    expect(page.get_by_role("row", name=re.compile("Aroha Outdoor NZ"))).to_contain_text("partner-shared")

    # The permission to read ads is revoked.
    page.goto(f"{address}/connections/new?phase=1&rerequest=1")
    page.get_by_role("link", name="Continue to Facebook").click()
    page.click("#edit summary")
    page.uncheck("input[value=ads_read]")
    page.click("#choose")
    expect(page.locator("main")).to_contain_text("No ad account can be read", timeout=60_000)
    page.goto(address)
    expect(page.locator("main")).to_contain_text("6 ad accounts are no longer read")
    page.get_by_role("link", name="Ask again").click()
    page.get_by_role("link", name="Continue to Facebook").click()
    page.click("#continue")
    expect(page.locator("main")).to_contain_text("Found: 6 ad accounts", timeout=60_000)

    page.goto(address)
    page.get_by_role("link", name="Disconnect").click()
    expect(page.locator("h1")).to_have_text("Disconnect Sam Operator?")
    page.get_by_role("link", name="Stay connected").click()
    expect(page.locator("article")).to_have_count(1)
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("Sam Operator is disconnected"))
    expect(page.locator("article")).to_have_count(0)
    page.get_by_role("link", name="Connect", exact=True).click()
    page.get_by_role("link", name="Continue to Facebook").first.click()
    page.click("#continue")
    expect(page.locator("main")).to_contain_text("2 pixels", timeout=60_000)
    assert not [line for line in complaints if "favicon" not in line and "400" not in line]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything(address: str, page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)
    for path in ("/", "/connections/new"):
        page.goto(address + path)
        fits(page)
    page.get_by_role("link", name="Continue to Facebook").last.click()
    fits(page)  # the sandbox's dialog
    page.click("#continue")
    expect(page.locator("h1")).to_have_text("Sam Operator is connected", timeout=60_000)
    fits(page)
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    fits(page)
    row = page.get_by_role("row", name=re.compile("Northwind Europe"))
    for text in ("view performance", "Northwind Agency", "never"):
        expect(row).to_contain_text(text)
    page.get_by_role("link", name="Disconnect").click()
    fits(page)
