"""Charts show one currency each, as SVG without links and as PNG."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from pathlib import Path

import pytest

from meta_pipeline.report.charts.days import SpendDay, ViewsDay, spend_chart, views_chart
from meta_pipeline.report.charts.parts import age_chart
from meta_pipeline.report.charts.render import png, svg
from meta_pipeline.report.picture import picture_chart, preview
from meta_pipeline.report.read import read_document
from meta_pipeline.report.write import write_report
from meta_pipeline_tests.fakes.published_marts import publish_marts

PNG = b"\x89PNG\r\n\x1a\n"
DAYS = [SpendDay(day=dt.date(2026, 11, day), spend=day * 10.0, roas=1.5, is_provisional=day == 3) for day in (1, 2, 3)]


def test_a_provisional_day_is_shaded_and_stays_in_its_place() -> None:
    image = svg(spend_chart(DAYS, currency="EUR", width=300))

    assert image.count("stroke-dasharray=\"3,2\"") == 1 and image.count("#fff0cc") == 2  # in both panels
    assert image.index("1 Nov") < image.index("2 Nov") < image.index("3 Nov")


def test_an_image_has_no_link() -> None:
    image = svg(spend_chart(DAYS, currency="EUR", width=300, title="<a href='https://example.com'>"))

    assert not re.search(r"<(a|image|script|use)\b", image) and "&lt;a href" in image


def test_the_axis_of_days_has_labels_that_fit() -> None:
    days = [SpendDay(day=dt.date(2026, 1, 1) + dt.timedelta(days=n), spend=1.0) for n in range(365)]

    assert 4 <= len(re.findall(r"\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)<", svg(spend_chart(days, currency="EUR", width=300)))) <= 6


def test_a_page_without_ads_has_no_empty_panel() -> None:
    days = [ViewsDay(day=dt.date(2026, 11, 1), organic=40, paid=None)]
    promoted = [ViewsDay(day=dt.date(2026, 11, 1), organic=None, paid=900)]

    assert "Impressions of ads" not in svg(views_chart(days, measure="Organic views", width=300))
    assert "Impressions of ads" in svg(views_chart(promoted, measure="Organic views", width=300))


def test_spend_by_age_has_a_bar_for_each_gender() -> None:
    spend = {(age, gender): 1.0 for age in ("18-24", "25-34") for gender in ("female", "male", "unknown")}

    image = svg(age_chart(spend, genders=["female", "male", "unknown"], currency="EUR", width=300))

    assert [image.count(f'fill="{color}"') for color in ("#2f5fd0", "#15806f", "#9aa5b5")] == [2, 2, 2]


@pytest.mark.parametrize("days", [[], [SpendDay(day=dt.date(2026, 11, 1), spend=None)]])
def test_a_chart_without_a_figure_is_drawn(days: list[SpendDay]) -> None:
    assert png(spend_chart(days, currency="EUR", width=300)).startswith(PNG)


def test_the_picture_has_a_panel_for_each_currency_and_each_page(tmp_path: Path) -> None:
    document = read_document(publish_marts(tmp_path / "warehouse.duckdb"))
    chart = picture_chart(document).to_dict()
    titles = [panel["title"] for panel in chart["concat"]]

    assert [title.split(" · ")[-1] for title in titles] == ["USD", "EUR", "JPY", "Page"]
    assert len(json.dumps(chart)) < 200_000
    target = write_report(document, str(tmp_path / "report.png"), picture_folders=[])
    assert Path(target).read_bytes().startswith(PNG)


def test_the_preview_is_a_small_picture(tmp_path: Path) -> None:
    address = preview(publish_marts(tmp_path / "warehouse.duckdb")) or ""
    kind, _, content = address.partition(",")

    assert kind == "data:image/jpeg;base64" and base64.b64decode(content).startswith(b"\xff\xd8\xff")
    assert len(address) < 50_000
