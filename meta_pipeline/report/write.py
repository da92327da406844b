"""Write the report of a published warehouse: a page, or a picture."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from meta_pipeline.files import durable
from meta_pipeline.files.locations import Location
from meta_pipeline.report.page import render
from meta_pipeline.report.read import read_document
from meta_pipeline.report.thumbnails import inlined

TITLE = "Performance on Meta"


def write_page(
    published: Location, target: Location, *, picture_folders: Sequence[Location] = (), title: str = TITLE,
    since: dt.date | None = None, until: dt.date | None = None,
) -> Location:
    """Write the report of a period as one HTML file and return its location. `picture_folders`: where thumbnails are, by
    the paths that the marts have."""
    document = read_document(published, since=since, until=until)
    paths = [creative.thumbnail for section in document.sections for creative in section.creatives]
    page = render(document, title=title, pictures=inlined(paths, folders=picture_folders))
    durable.write(target, page.encode())
    return target
