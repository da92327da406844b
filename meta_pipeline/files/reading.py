"""Read landed and published files."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.files.locations import Location, is_cold


def path_of(location: Location) -> Path:
    """Return the path of a local file, for a writer that replaces it."""
    return Path(location)


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


def holds_data(location: Location) -> bool:
    """Return True if there is a file, or a folder that is not empty."""
    path = Path(location)
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def check_readable(location: Location) -> None:
    """Raise OSError if the operating system refuses to read the file."""
    with Path(location).open("rb") as opened:
        opened.read(1)


def read_bytes(location: Location) -> bytes:
    """Return the whole content of a small file."""
    return Path(location).read_bytes()


def read_table(
    location: Location, columns: Sequence[str], *, day: dt.date | None = None, landed_at: dt.datetime | None = None
) -> pa.Table:
    """Return some columns of a Parquet file; of a cold file only the rows of one day, or of one version of it."""
    if not _is_part(location, day):
        return pq.read_table(location, columns=list(columns))
    with pq.ParquetFile(location) as file:
        fields = [file.schema_arrow.field(name) for name in columns]
    batches = read_batches(location, columns, rows=100_000, day=day, landed_at=landed_at)
    return pa.Table.from_batches(batches, pa.schema(fields))


def read_batches(
    location: Location,
    columns: Sequence[str],
    *,
    rows: int,
    day: dt.date | None = None,
    landed_at: dt.datetime | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a Parquet file, at most `rows` rows at a time; of a cold file only the rows of one day, or
    of one version of it."""
    with pq.ParquetFile(location) as file:
        if not _is_part(location, day):
            yield from file.iter_batches(batch_size=rows, columns=list(columns))
            return
        key: dict[str, object] = {"day": day}
        if LANDED_AT in file.schema_arrow.names and landed_at is not None:
            key[LANDED_AT] = landed_at
        groups = [group for group in range(file.num_row_groups) if _may_hold(file.metadata.row_group(group), key)]
        names = list(dict.fromkeys((*columns, *key)))
        for batch in file.iter_batches(batch_size=rows, row_groups=groups, columns=names):
            if (part := _filtered(batch, key)).num_rows:
                yield part.select(list(columns))


# In a cold file of versions: the time since which a row's version was current. With the day, it is the version's key.
LANDED_AT = "_landed_at"


def _is_part(location: Location, day: dt.date | None) -> bool:
    return day is not None and is_cold(location)


def _may_hold(group: pq.RowGroupMetaData, key: Mapping[str, object]) -> bool:
    """Return False when the bounds of a row group exclude the key."""
    for column in map(group.column, range(group.num_columns)):
        bounds = column.statistics if column.path_in_schema in key else None
        if bounds is not None and bounds.has_min_max and not bounds.min <= key[column.path_in_schema] <= bounds.max:
            return False
    return True


def _filtered(batch: pa.RecordBatch, key: Mapping[str, object]) -> pa.RecordBatch:
    import pyarrow.compute as pc  # takes a tenth of a second: for cold files only

    masks = [pc.equal(batch.column(name), pa.scalar(value, batch.column(name).type)) for name, value in key.items()]
    return batch.filter(functools.reduce(pc.and_, masks))


def parquet_metadata(location: Location) -> dict[bytes, bytes]:
    """Return the key-value metadata of a Parquet file."""
    return pq.read_metadata(location).metadata or {}


def duckdb_location(location: Location) -> str:
    """Return the file's name as DuckDB opens it."""
    return location
