"""The files of a store of sealed records: one for each owner and month, each replaced in one step."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.files import durable
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.sealed.record import SCHEMA

_ENDING = ".parquet"
IN_THE_CLEAR = ("record_id", "group_id", "at", "attributes", "people", "key")


class SealedFileError(MetaPipelineError):
    """A file of sealed records can't be read."""


class SealedFiles:
    """The files below one folder: `<owner>/<month>.parquet`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def owners(self) -> list[str]:
        """Return the owners that have stored records."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir() and path.name.isdecimal())

    def months(self, owner: str) -> list[str]:
        """Return the months for which an owner has stored records."""
        folder = self.folder / owner
        return sorted(path.stem for path in folder.glob(f"[0-9]*{_ENDING}")) if folder.is_dir() else []

    def all(self, owner: str | None = None) -> Iterator[tuple[str, str]]:
        """Yield the owner and month of every file, or of every file of one owner."""
        for each in self.owners() if owner is None else [owner]:
            yield from ((each, month) for month in self.months(each))

    def read(self, owner: str, month: str, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a month; none without a file."""
        path = self._path(owner, month)
        try:
            table = pq.read_table(path, columns=None if columns is None else list(columns), partitioning=None)
        except FileNotFoundError:
            return []
        except (OSError, pa.ArrowException) as error:
            raise SealedFileError(
                f"{path} can't be read: restore it from a backup, or remove it and read its month again"
            ) from error
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def write(self, owner: str, month: str, rows: Sequence[dict[str, Any]]) -> None:
        """Replace the rows of a month in one step; without rows, remove the file, and its folder if it is then
        empty."""
        path = self._path(owner, month)
        if not rows:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()
            return
        content = io.BytesIO()
        pq.write_table(
            pa.Table.from_pylist(sorted(rows, key=lambda row: (row["at"], row["record_id"])), SCHEMA), content,
            compression="zstd", write_statistics=False,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.write(str(path), content.getvalue())

    def _path(self, owner: str, month: str) -> Path:
        return self.folder / owner / f"{month}{_ENDING}"


def month_of(at: dt.datetime) -> str:
    """Return the month, in UTC, of the file with records of this time."""
    return f"{at.astimezone(dt.UTC):%Y-%m}"
