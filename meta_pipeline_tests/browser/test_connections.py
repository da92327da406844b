"""Consent on the connections page, in a real browser, under `up`: to partitions and a first look, and its failures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import requests
from playwright.sync_api import Page, expect

from harness.home import Home, running_up
from harness.sandbox import Sandbox

PARTITIONS = """
from meta_pipeline.defs.home import instance
from meta_pipeline.settings import Settings
with instance(Settings()) as opened:
    print(" ".join(opened.get_dynamic_partitions("ad_accounts")))
"""
OBSERVED = """
{ assetOrError(assetKey: {path: ["vault", "tokens"]}) { ... on Asset { assetObservations(limit: 9) { description } } } }
"""
WITHIN_MS = 120_000


def partitions(home: Home) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARTITIONS], env=home.environment, cwd=home.path, capture_output=True,
        text=True, timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_connect_deny_replay_and_tamper(home: Home, sandbox: Sandbox, page: Page, tmp_path: Path) -> None:
    sandbox.share_clock()  # so that the sandbox has figures for yesterday
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "favicon" not in message.location["url"] else None)
    with running_up(home) as (dagster, connections):
        page.goto(connections)
        expect(page.locator("h1")).to_have_text("Connections")
        expect(page.locator("main")).to_contain_text("Nobody is connected yet")

        # The person cancels.
        page.get_by_role("link", name="Connect", exact=True).click()
        expect(page.locator("h1")).to_have_text("Before Facebook opens")
        page.get_by_role("link", name="Continue to Facebook").last.click()
        page.click("#cancel")
        expect(page.locator("h1")).to_have_text("You did not give consent")

        # The state in the answer was changed.
        page.get_by_role("link", name="Start again").click()
        page.get_by_role("link", name="Continue to Facebook").first.click()
        target = page.get_attribute("#continue", "href")
        assert target
        page.goto(target.replace("state=", "state=x"))
        expect(page.locator("h1")).to_have_text("This link can't be used")
        assert sandbox.control("calls").get("GET /oauth/access_token", 0) == 0

        # The person consents: the page shows the progress of the onboarding run.
        page.goto(f"{connections}/connect?phase=2")
        answer = page.get_attribute("#continue", "href")
        assert answer
        page.click("#continue")
        page.wait_for_url("**/onboardings/**")
        expect(page.locator("h1")).to_have_text("Sam Operator is connected", timeout=WITHIN_MS)
        expect(page.locator("main")).to_contain_text("A first look", timeout=WITHIN_MS)
        collected = "6 ad accounts, 3 Pages and 3 Instagram accounts will be collected every day"
        expect(page.locator("main")).to_contain_text(collected, timeout=WITHIN_MS)
        expect(page.locator("#progress")).to_have_attribute("data-ended", "no")  # the page was not loaded again
        expect(page.get_by_role("link", name="All connections")).to_be_visible(timeout=WITHIN_MS)
        assert re.search(r"Views\s+\d+", page.inner_text("main"))
        assert re.search(r"Impressions\s+\d+", page.inner_text("main"))
        page.screenshot(path=tmp_path / "onboarded.png")
        assert partitions(home) == [f"act_100000000{n}" for n in range(1, 7)]

        # The same answer again.
        page.goto(answer)
        expect(page.locator("h1")).to_have_text("This answer was used before")

        page.goto(connections)
        expect(page.locator("article h2")).to_have_text("Sam Operator")
        expect(page.get_by_role("row", name=re.compile("Aroha Outdoor NZ"))).to_contain_text("partner-shared")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"

        # A dead token is shown with the link that replaces it.
        sandbox.control("dead", {"subcode": 460, "kind": "USER"})
        page.get_by_role("button", name="Check now").click()
        expect(page.locator("article")).to_contain_text("changed the password")
        for _ in range(40):  # the sensor runs every 30 s
            if "Latest alerts" in page.inner_text("main"):
                break
            page.wait_for_timeout(2000)
            page.reload()
        expect(page.locator("main")).to_contain_text("Stopped by it: Northwind US")
        page.screenshot(path=tmp_path / "broken.png", full_page=True)
        asset = requests.post(f"{dagster}/graphql", json={"query": OBSERVED}, timeout=60).json()["data"]["assetOrError"]
        (observed,) = asset["assetObservations"]
        assert "Stopped by it: Northwind US" in observed["description"] and "/connect?phase=2" in observed["description"]
        log = Path(home.environment["META_PIPELINE_HOME"]) / "dagster" / "up.log"
        assert "Stopped by it: Northwind US" in log.read_text()
        assert all(secret not in log.read_text() for secret in sandbox.control("secrets"))
        page.get_by_role("link", name="Connect again").first.click()
        page.get_by_role("link", name="Continue to Facebook").click()
        expect(page).to_have_url(re.compile(re.escape(sandbox.url) + "/v24.0/dialog/oauth"))
        page.click("#continue")
        expect(page.get_by_role("link", name="All connections")).to_be_visible(timeout=WITHIN_MS)
        page.get_by_role("link", name="All connections").click()
        expect(page.locator("article")).to_contain_text("Healthy")

        # Disconnect asks for confirmation; then the card is gone, and connecting works again.
        page.get_by_role("link", name="Disconnect").click()
        expect(page.locator("h1")).to_have_text("Disconnect Sam Operator?")
        page.get_by_role("link", name="Stay connected").click()
        page.get_by_role("link", name="Disconnect").click()
        page.get_by_role("button", name="Disconnect").click()
        expect(page.locator("main")).to_contain_text("Sam Operator is disconnected")
        expect(page.locator("article")).to_have_count(0)
        page.get_by_role("link", name="Connect", exact=True).click()
        page.get_by_role("link", name="Continue to Facebook").first.click()
        assert page.locator("ul li").count() == 7
    assert not [line for line in complaints if "status of 4" not in line], complaints
