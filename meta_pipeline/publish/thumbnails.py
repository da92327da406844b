"""The thumbnails of a published file, in a folder beside it: those that it refers to, and no others."""

from __future__ import annotations

import re

import duckdb

from meta_pipeline.files import linked
from meta_pipeline.files.locations import Location, folder_of, join
from meta_pipeline.publish.copies.warehouse_copy import has_relation

FOLDER = "thumbnails"
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}")


def names_in(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the names of the pictures that a warehouse file refers to."""
    if not has_relation(connection, "raw_meta_ads", "thumbnails"):
        return set()
    rows = connection.execute(
        "select distinct path from raw_meta_ads.thumbnails where path is not null"
    ).fetchall()
    names = {path.removeprefix(f"{FOLDER}/") for (path,) in rows}
    return {name for name in names if _NAME.fullmatch(name)}


def put_beside(published: Location, names: set[str], *, landing: Location) -> int:
    """Put the pictures beside a published file; return the number of those that the landing folder lacks."""
    folder = join(folder_of(published), FOLDER)
    return sum(
        not linked.link_or_copy(join(landing, FOLDER, name), join(folder, name)) for name in sorted(names)
    )


def remove_unused(published: Location, names: set[str]) -> None:
    """Remove the pictures that a published file no longer refers to."""
    linked.remove_others(join(folder_of(published), FOLDER), names, pattern=_NAME)


def remove_all(published: Location) -> None:
    """Remove the pictures beside a published file, and their folder when it is empty then."""
    remove_unused(published, set())
    linked.remove_empty_folder(join(folder_of(published), FOLDER))
