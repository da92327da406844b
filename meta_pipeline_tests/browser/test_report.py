"""The report in a real browser, on a screen, on a phone and in print: no request, no accessibility violation."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from meta_pipeline.report.read import read_document
from meta_pipeline.report.write import write_page
from meta_pipeline_tests.browser.test_accessibility import violations
from meta_pipeline_tests.fakes.published_marts import publish_marts

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da63fccf0000020100f2a8f5"
    "a30000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    published = publish_marts(folder / "published" / "warehouse.duckdb")
    picture = folder / "published" / "thumbnails" / "k1-0.png"
    picture.parent.mkdir()
    picture.write_bytes(PICTURE)
    page = write_page(
        read_document(published), str(folder / "report.html"), picture_folders=[str(folder / "published")]
    )
    return Path(page).as_uri()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_fits_needs_no_network_and_is_accessible(report: str, page: Page, width: int) -> None:
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = page.evaluate(
        "[...document.querySelectorAll('main *:not(thead, thead *, .hidden)')]"
        ".filter(each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 200))"
    )
    assert too_wide == []
    broken = "[...document.images].filter(each => !each.complete || !each.naturalWidth).map(each => each.alt)"
    assert page.evaluate(broken) == [] and page.locator("img").count() == 9
    assert {url for url in requests if not url.startswith("data:")} == {report}
    assert complaints == []
    assert violations(page) == []  # the browser injects axe despite the page's policy


def test_a_phone_shows_charts_drawn_for_its_width(report: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(report)
    sizes = page.evaluate("[...document.querySelectorAll('figure img')].map(each => [each.naturalWidth, each.clientWidth])")

    assert sizes and all(0.8 < shown / drawn < 1.25 for drawn, shown in sizes)


def test_the_report_prints_as_pages_with_every_chart(report: str, page: Page) -> None:
    page.goto(report)
    pages = page.pdf(prefer_css_page_size=True)
    page.emulate_media(media="print")

    assert pages.startswith(b"%PDF") and 4 <= pages.count(b"/Type /Page\n") + pages.count(b"/Type /Page ") <= 30
    assert page.locator("nav").first.is_hidden() and page.locator("figure img").first.is_visible()
