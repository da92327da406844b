"""Write the report of a published warehouse: a page, or a picture."""

from __future__ import annotations

from collections.abc import Sequence

from meta_pipeline.files import durable
from meta_pipeline.files.locations import Location, folder_of
from meta_pipeline.records import ConfigError
from meta_pipeline.report.document import Document
from meta_pipeline.report.page import render
from meta_pipeline.report.picture import write_picture
from meta_pipeline.report.thumbnails import inlined

TITLE = "Performance on Meta"


def write_report(
    document: Document, target: Location, *, picture_folders: Sequence[Location], title: str = TITLE
) -> Location:
    """Write a page, or a picture if the target is a PNG, and return its location. Raise ConfigError if that fails."""
    try:
        if target.lower().endswith(".png"):
            return write_picture(document, target)
        return write_page(document, target, title=title, picture_folders=picture_folders)
    except OSError as error:
        raise ConfigError(f"can't write {target}: {error.strerror or error}") from error


def write_page(
    document: Document, target: Location, *, picture_folders: Sequence[Location] = (), title: str = TITLE
) -> Location:
    """Write one HTML file and return its location. `picture_folders`: the folders that the paths of thumbnails in the
    marts are relative to."""
    paths = [creative.thumbnail for section in document.sections for creative in section.creatives]
    page = render(document, title=title, pictures=inlined(paths, folders=picture_folders))
    durable.write(target, page.encode())
    return target


def picture_folders(published: Location, landing_root: Location) -> list[Location]:
    """Return the folders that may have thumbnails: that of the published file, which can be passed on with them, then
    the landing folder."""
    return [folder_of(published), landing_root]
