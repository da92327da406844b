"""The report as one picture, and as a small one for Dagster: spend and ROAS by currency, views by Page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from meta_pipeline.display import printable
from meta_pipeline.files import durable
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.query import QueryError
from meta_pipeline.report.charts import theme
from meta_pipeline.report.charts.days import spend_chart, views_chart
from meta_pipeline.report.charts.render import jpeg, png
from meta_pipeline.report.document import Document, Section
from meta_pipeline.report.drawings import spend_days, views_days
from meta_pipeline.report.read import read_document

if TYPE_CHECKING:
    import altair as alt

_SECTIONS, _NODES = 10, 4  # most panels of each kind
_WIDTH, _PREVIEW_WIDTH, _PREVIEW_QUALITY = 470, 320, 65
_EMPTY = "the published warehouse holds no delivery yet: run `meta-pipeline backfill` first"


def write_picture(document: Document, target: Location) -> Location:
    """Write the picture as PNG and return its location; QueryError if nothing was delivered."""
    if not document.sections:
        raise QueryError(_EMPTY)
    durable.write(target, png(picture_chart(document), scale=1.25))
    return target


def preview(published: Location) -> str | None:
    """Return a small picture of the currency with most accounts as a `data:` address, for Dagster; None if nothing was
    delivered."""
    sections = [section for section in read_document(published).sections if section.total.totals.spend is not None]
    if not sections:
        return None
    image = jpeg(_panel(sections[0], width=_PREVIEW_WIDTH), quality=_PREVIEW_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"


def picture_chart(document: Document) -> alt.ConcatChart:
    """Return a panel for each currency and each Page, two in a row, each with its own axis."""
    import altair as alt

    panels: list[alt.VConcatChart] = [_panel(section, width=_WIDTH) for section in document.sections[:_SECTIONS]]
    pages = [node for node in document.organic if node.kind == "Page"][:_NODES]
    panels += [
        views_chart(
            views_days(node), measure=node.measure, width=_WIDTH, title=f"{printable(node.name, limit=60)} · Page"
        )
        for node in pages
    ]
    title = alt.Title(
        "Spend and ROAS per day of each account's own calendar, and views of Pages",
        subtitle="Bars: spend, dashed while the day is provisional. Grey: the period before. Line: ROAS.",
        fontSize=18, subtitleFontSize=13, offset=22, subtitleColor=theme.SOFT,
    )
    grid: alt.ConcatChart = alt.concat(*panels, columns=2, spacing=44, title=title, padding=20)
    return grid


def _panel(section: Section, *, width: int) -> alt.VConcatChart:
    code = printable(section.currency, limit=8)
    title = f"{printable(section.total.name, limit=60)} · {code}"
    return spend_chart(spend_days(section), currency=code, width=width, title=title)
