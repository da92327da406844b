"""Read landed and published files. Another kind of storage than a folder would be added here and in `durable`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def exists(path: str | Path) -> bool:
    """Return True if there is a file, or a directory in its place."""
    return Path(path).exists()


def is_folder(path: str | Path) -> bool:
    """Return True if a directory is in the place of the file."""
    return Path(path).is_dir()


def size_of(path: str | Path) -> int:
    """Return the size of a file in bytes."""
    return Path(path).stat().st_size


def check_readable(path: str | Path) -> None:
    """Raise the OSError with which the operating system refuses to read the file, if it does."""
    with Path(path).open("rb") as opened:
        opened.read(1)


def read_table(path: str | Path, columns: Sequence[str]) -> pa.Table:
    """Return some columns of a Parquet file."""
    return pq.read_table(path, columns=list(columns))


def read_batches(path: str | Path, columns: Sequence[str], *, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a Parquet file, at most so many rows at a time."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=rows, columns=list(columns))


def parquet_metadata(path: str | Path) -> dict[bytes, bytes]:
    """Return the key-value metadata of a Parquet file."""
    return pq.read_metadata(path).metadata or {}


def duckdb_location(path: str | Path) -> str:
    """Return the file's name as DuckDB opens it."""
    return str(path)
