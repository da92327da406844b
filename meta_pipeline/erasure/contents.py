"""The content of a file under the home, for a search: its bytes, and what can be unpacked from a known format."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

_CHUNK, _OVERLAP = 4 * 1024 * 1024, 4096
_MOST_UNPACKED = 1024 * 1024 * 1024


def contents_of(file: Path) -> Iterator[bytes]:
    """Yield everything that a file holds, in portions that overlap: its bytes, then its rows, columns or members. A
    file that can't be opened in its format yields only its bytes; a missing file yields nothing."""
    try:
        yield from chunks_of(file)
        yield from _unpacked(file)
    except FileNotFoundError:
        return


def chunks_of(file: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in portions that overlap."""
    with file.open("rb") as opened:
        tail = b""
        while chunk := opened.read(_CHUNK):
            yield tail + chunk
            tail = chunk[-_OVERLAP:]


def is_sqlite(file: Path) -> bool:
    """Return whether a file is a database of SQLite."""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(16) == b"SQLite format 3\0"
    return False


def _unpacked(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        start = opened.read(16)
    if start.startswith(b"PAR1"):
        yield from _parquet(file)
    elif start.startswith(b"\x1f\x8b"):
        yield from _gzip(file)
    elif start.startswith(b"PK\x03\x04"):
        yield from _zip(file)
    elif start[8:12] == b"DUCK":
        yield from _duckdb(file)
    elif is_sqlite(file):
        yield from _sqlite(file)


def _parquet(file: Path) -> Iterator[bytes]:
    with contextlib.suppress(pa.ArrowException), pq.ParquetFile(file) as opened:
        for key, value in (opened.metadata.metadata or {}).items():
            yield key + b"\n" + value
        for batch in opened.iter_batches(1000):
            yield json.dumps(batch.to_pydict(), ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def _gzip(file: Path) -> Iterator[bytes]:
    with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(file) as opened:
        yield opened.read(_MOST_UNPACKED)


def _zip(file: Path) -> Iterator[bytes]:
    with contextlib.suppress(zipfile.BadZipFile, zlib.error), zipfile.ZipFile(file) as opened:
        for member in opened.infolist():
            if member.file_size <= _MOST_UNPACKED:
                yield member.filename.encode() + b"\n" + opened.read(member)


def _duckdb(file: Path) -> Iterator[bytes]:
    """Yield the rows of every table. A file that another process writes can't be opened."""
    with contextlib.suppress(duckdb.Error), contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(f'select cast(each as varchar) from "{schema}"."{table}" as each')
            while portion := rows.fetchmany(1000):
                yield "\n".join(text or "" for (text,) in portion).encode("utf-8", "surrogatepass")


def _sqlite(file: Path) -> Iterator[bytes]:
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection,
    ):
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            rows = connection.execute(f'select * from "{table}"')
            while portion := rows.fetchmany(500):
                yield b"\n".join(_value(value) for row in portion for value in row)


def _value(value: object) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode("utf-8", "surrogatepass")
    with contextlib.suppress(zlib.error):
        return zlib.decompress(value)
    return value
