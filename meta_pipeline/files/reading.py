"""Read landed and published files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.files.locations import Location


def exists(location: Location) -> bool:
    """Return True if there is a file, or a directory in its place."""
    return Path(location).exists()


def is_folder(location: Location) -> bool:
    """Return True if a directory is in the place of the file."""
    return Path(location).is_dir()


def size_of(location: Location) -> int:
    """Return the size of a file in bytes."""
    return Path(location).stat().st_size


def modified_at(location: Location) -> dt.datetime:
    """Return when a file was written, aware UTC."""
    return dt.datetime.fromtimestamp(Path(location).stat().st_mtime, dt.UTC)


def folders_in(location: Location) -> list[str]:
    """Return the names of the folders in a folder; none when it does not exist."""
    path = Path(location)
    return sorted(entry.name for entry in path.iterdir() if entry.is_dir()) if path.is_dir() else []


def holds_data(location: Location) -> bool:
    """Return True if there is a file, or a folder that is not empty."""
    path = Path(location)
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def check_readable(location: Location) -> None:
    """Raise the OSError with which the operating system refuses to read the file, if it does."""
    with Path(location).open("rb") as opened:
        opened.read(1)


def read_bytes(location: Location) -> bytes:
    """Return the whole content of a small file."""
    return Path(location).read_bytes()


def read_table(location: Location, columns: Sequence[str]) -> pa.Table:
    """Return some columns of a Parquet file."""
    return pq.read_table(location, columns=list(columns))


def read_batches(location: Location, columns: Sequence[str], *, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a Parquet file, at most so many rows at a time."""
    with pq.ParquetFile(location) as file:
        yield from file.iter_batches(batch_size=rows, columns=list(columns))


def parquet_metadata(location: Location) -> dict[bytes, bytes]:
    """Return the key-value metadata of a Parquet file."""
    return pq.read_metadata(location).metadata or {}


def duckdb_location(location: Location) -> str:
    """Return the file's name as DuckDB opens it."""
    return location
