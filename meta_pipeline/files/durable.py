"""Write files that get their name only when they are whole and synced: a temporary name beside it, fsync, rename."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.files import temporary


class DurableFile:
    """A file under construction. `temporary` is where its content is until `commit` renames it to `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = temporary.beside(path)
        self.is_synced = False
        self._is_created = False

    def write(self, content: bytes | memoryview) -> None:
        """Write the whole content and sync it."""
        rest = memoryview(content)
        descriptor = self._create()
        try:
            while rest:
                rest = rest[os.write(descriptor, rest):]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.is_synced = True

    def parquet_writer(self, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
        """Return a writer of row groups to the temporary file; close it before `sync`."""
        os.close(self._create())
        return pq.ParquetWriter(self.temporary, schema, **options)

    def copy_from(self, source: Path) -> None:
        """Copy a file, and the permissions of the file that it will replace."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._is_created = True
        shutil.copyfile(source, self.temporary)
        if self.path.exists():
            shutil.copymode(self.path, self.temporary)

    def sync(self) -> None:
        """Make what was written by name, such as by a Parquet writer, reach the disk."""
        with self.temporary.open("rb") as opened:
            os.fsync(opened.fileno())
        self.is_synced = True

    def commit(self) -> None:
        """Give the file its name, in one step; it is synced before."""
        if not self.is_synced:
            self.sync()
        self.temporary.replace(self.path)
        self._is_created = False

    def discard(self) -> None:
        """Remove the temporary file if there is one."""
        if self._is_created:
            self.temporary.unlink(missing_ok=True)
            self._is_created = False

    def _create(self) -> int:
        """Return a descriptor of the temporary file, empty. Its folder nearly always exists."""
        self._is_created = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            return os.open(self.temporary, flags, 0o600)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.temporary, flags, 0o600)


def write(path: Path, content: bytes) -> None:
    """Put a file in place in one step; an error leaves what was there before."""
    file = DurableFile(path)
    temporary.discard_left_behind_once(path.parent)
    try:
        file.write(content)
        file.commit()
    finally:
        file.discard()


def copy(source: Path, path: Path) -> None:
    """Put a copy of a file in place in one step; remove the copies that killed processes left beside it."""
    file = DurableFile(path)
    temporary.discard_left_behind_of(path)
    try:
        file.copy_from(source)
        file.commit()
    finally:
        with contextlib.suppress(OSError):
            file.discard()


def keep_under(path: Path, target: Path) -> None:
    """Give a file a second name, so that its content stays when the first is replaced; do nothing if it has it."""
    target.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        target.hardlink_to(path)
