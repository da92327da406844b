"""The report as one HTML file: no script, no request; pictures and charts are in it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import jinja2

from meta_pipeline.report.charts import theme
from meta_pipeline.report.document import Document
from meta_pipeline.report.drawings import DRAWN_NODES, DRAWN_SECTIONS, organic_images, section_charts
from meta_pipeline.report.words import FILTERS

_TEMPLATES = Path(__file__).parent / "templates"


def render(document: Document, *, title: str, pictures: Mapping[str, str]) -> str:
    """Return the page. `pictures`: `data:` addresses by the paths that creatives have."""
    return _environment().get_template("report.html").render(
        document=document, title=title, pictures=pictures,
        section_charts=[
            section_charts(section, is_drawn=number < DRAWN_SECTIONS)
            for number, section in enumerate(document.sections)
        ],
        organic_charts=[
            organic_images(node) if number < DRAWN_NODES else None for number, node in enumerate(document.organic)
        ],
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals["theme"] = theme
    return environment
