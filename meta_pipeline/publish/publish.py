"""The published warehouse: a snapshot that readers may open at any time, replaced in one step."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb

from meta_pipeline.files import durable
from meta_pipeline.files.locations import Location
from meta_pipeline.records import LoadError


def publish(warehouse: Path, published: Location) -> Location:
    """Replace the published file by a copy of the warehouse and return its location. Readers that have the earlier one
    open keep it. Raise LoadError if it can't be copied; the earlier one stays then."""
    if not warehouse.exists():  # DuckDB would make an empty one
        raise LoadError(f"can't publish {warehouse}: it does not exist; run `meta-pipeline build`")
    try:
        with contextlib.closing(duckdb.connect(str(warehouse))) as connection:
            connection.execute("checkpoint")  # without it the copy silently misses rows that are in the WAL
    except duckdb.Error as error:
        raise LoadError(f"can't publish {warehouse}: {str(error).splitlines()[0]}") from error
    try:
        durable.copy(warehouse, published)
    except OSError as error:
        raise LoadError(f"can't publish to {published}: {error}; what was published before stays") from error
    return published
