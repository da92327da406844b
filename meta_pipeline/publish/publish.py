"""The published warehouse: a snapshot that readers may open at any time, replaced in one step."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import time
from pathlib import Path

import duckdb

from meta_pipeline.records import LoadError
from meta_pipeline.store.processes import identity, is_gone

LONGEST_COPY_S = 86_400.0


def publish(warehouse: Path, published: Path) -> Path:
    """Readers find the warehouse as it is now. Old readers keep their old file."""
    if not warehouse.exists():  # DuckDB would make an empty one
        raise LoadError(f"can't publish {warehouse}: it does not exist; run `meta-pipeline build`")
    try:
        with contextlib.closing(duckdb.connect(str(warehouse))) as connection:
            connection.execute("checkpoint")  # without it the copy silently misses rows that are in the WAL
    except duckdb.Error as error:
        raise LoadError(f"can't publish {warehouse}: {str(error).splitlines()[0]}") from error
    beside = _beside(published, identity())
    try:
        published.parent.mkdir(parents=True, exist_ok=True)
        _discard_left_behind(published)
        shutil.copyfile(warehouse, beside)
        if published.exists():  # who may read it was decided by its owner
            shutil.copymode(published, beside)
        with beside.open("rb") as copied:
            os.fsync(copied.fileno())
        beside.replace(published)
    except OSError as error:
        raise LoadError(f"can't publish to {published}: {error}; what was published before stays") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return published


def _beside(published: Path, process: str) -> Path:
    """The copy that this process makes."""
    return published.with_name(f".{published.name}.{process}.tmp")


def _discard_left_behind(published: Path) -> None:
    """A copy whose maker was killed goes: it is as large as the warehouse. Of a maker on another host nothing is known:
    nobody copies for a day."""
    start, end = _beside(published, "*").name.split("*")
    for left in published.parent.glob(f"{glob.escape(start)}*{end}"):
        process = left.name.removeprefix(start).removesuffix(end)
        with contextlib.suppress(FileNotFoundError):  # somebody else was faster
            if time.time() - left.stat().st_mtime > LONGEST_COPY_S or (process.count(":") == 2 and is_gone(process)):
                left.unlink()
