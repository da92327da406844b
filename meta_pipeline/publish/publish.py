"""The published warehouse: a snapshot that readers may open at any time, replaced in one step."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import duckdb

from meta_pipeline.records import LoadError


def publish(warehouse: Path, published: Path) -> Path:
    """Readers find the warehouse as it is now. Old readers keep their old file."""
    try:
        with contextlib.closing(duckdb.connect(str(warehouse))) as connection:
            connection.execute("checkpoint")  # without it the copy silently misses rows that are in the WAL
    except duckdb.Error as error:
        raise LoadError(f"can't publish {warehouse}: {str(error).splitlines()[0]}") from error
    published.parent.mkdir(parents=True, exist_ok=True)
    beside = published.with_name(f".{published.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(warehouse, beside)
        with beside.open("rb") as copied:
            os.fsync(copied.fileno())
        beside.replace(published)
    except OSError as error:
        raise LoadError(f"can't publish to {published}: {error}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
    return published
