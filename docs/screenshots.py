"""Take the screenshots of README.md again: `make screenshots`, after `make demo`.

Starts `up` on the demo's home, opens its pages in Debian's chromium and writes the three images of docs/images."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests
from playwright.sync_api import sync_playwright

from meta_pipeline.processes.environment import child_environment

TOP = Path(__file__).parent.parent
HOME = TOP / ".meta_pipeline" / "demo"
IMAGES = TOP / "docs" / "images"
DAGSTER_PORT, WEB_PORT, SANDBOX_PORT = 3100, 8610, 8700
PARTITIONS = "assets/landing/meta_ads/ad_insights?view=partitions"
READY_WITHIN_S = 120.0
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Write the three images."""
    settings = dict(line.split("=", 1) for line in (HOME / "settings.env").read_text().splitlines())
    environment = child_environment(**settings, META_PIPELINE_PUBLIC_URL=f"http://localhost:{WEB_PORT}")
    command = [sys.executable, "-m", "meta_pipeline.cli"]
    sandbox = subprocess.Popen(
        [*command, "sandbox", "--port", str(SANDBOX_PORT)], stdout=subprocess.DEVNULL, env=environment
    )
    up = subprocess.Popen(
        [*command, "up", "--port", str(DAGSTER_PORT), "--web-port", str(WEB_PORT)], env=environment
    )
    try:
        for port in (DAGSTER_PORT, WEB_PORT):
            _wait_for(f"http://localhost:{port}/")
        _take()
    finally:
        for process in (up, sandbox):
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            requests.get(url, timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.5)
    raise SystemExit(f"{url} did not answer within {READY_WITHIN_S:.0f} s")


def _take() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(f"http://localhost:{WEB_PORT}/", wait_until="networkidle")
        page.screenshot(path=IMAGES / "connections.png")
        page.goto(f"http://127.0.0.1:{DAGSTER_PORT}/{PARTITIONS}", wait_until="domcontentloaded")
        page.wait_for_timeout(10_000)  # the page loads its partitions bit by bit
        page.screenshot(path=IMAGES / "dagster.png")
        page.goto((HOME / "report.html").as_uri() + "#s2")
        page.screenshot(path=IMAGES / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
