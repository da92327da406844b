"""Write files that get their name only when they are complete and synced: write to a temporary name beside it, fsync,
rename."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.files import temporary
from meta_pipeline.files.locations import Location, folder_of


class DurableFile:
    """A file under construction. `temporary`: the location of its content until `commit` renames it to `location`."""

    def __init__(self, location: Location) -> None:
        self._path = Path(location)
        self._temporary = temporary.beside(self._path)
        self.is_synced = False
        self._is_created = False

    @property
    def temporary(self) -> Location:
        return str(self._temporary)

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
        return pq.ParquetWriter(self._temporary, schema, **options)

    def copy_from(self, source: Path) -> None:
        """Copy a file's content, and take the permissions of the file that it will replace."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._is_created = True
        shutil.copyfile(source, self._temporary)
        self.keep_permissions()

    def reserve(self) -> Path:
        """Return the path of the temporary file, for a writer that creates it; `discard` removes it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._is_created = True
        return self._temporary

    def keep_permissions(self) -> None:
        """Give the temporary file the permissions of the file that it will replace."""
        if self._path.exists():
            shutil.copymode(self._path, self._temporary)

    def sync(self) -> None:
        """Sync the temporary file, for writers that open it by name, such as a Parquet writer."""
        with self._temporary.open("rb") as opened:
            os.fsync(opened.fileno())
        self.is_synced = True

    def commit(self) -> None:
        """Sync the file if needed, and rename it to its location in one step."""
        if not self.is_synced:
            self.sync()
        self._temporary.replace(self._path)
        self._is_created = False

    def discard(self) -> None:
        """Remove the temporary file if it exists."""
        if self._is_created:
            self._temporary.unlink(missing_ok=True)
            self._is_created = False

    def _create(self) -> int:
        """Open the temporary file, empty, and return its descriptor. Its folder usually exists."""
        self._is_created = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            return os.open(self._temporary, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._temporary, flags, 0o600)


def write(location: Location, content: bytes) -> None:
    """Write a file in one step; after an error, the previous file is still in place."""
    file = DurableFile(location)
    temporary.discard_left_behind_once(folder_of(location))
    try:
        file.write(content)
        file.commit()
    finally:
        file.discard()


@contextlib.contextmanager
def replacing(location: Location) -> Iterator[DurableFile]:
    """Replace a file in one step with the one that the block writes; after an error, the previous file is still in
    place."""
    file = DurableFile(location)
    try:
        yield file
        file.commit()
    finally:
        file.discard()


def copy(source: Path, location: Location) -> None:
    """Copy a local file to a location in one step; remove the temporary copies of killed processes beside it."""
    file = DurableFile(location)
    temporary.discard_left_behind_of(location)
    try:
        file.copy_from(source)
        file.commit()
    finally:
        with contextlib.suppress(OSError):
            file.discard()


def keep_under(location: Location, target: Location) -> None:
    """Give a file a second name, so that its content stays when the first is replaced; do nothing if the second
    exists."""
    second = Path(target)
    second.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        second.hardlink_to(location)


def remove(location: Location) -> None:
    """Remove a file if it exists."""
    Path(location).unlink(missing_ok=True)
