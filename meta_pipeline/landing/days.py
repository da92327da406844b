"""Days on their way to disk: what came of them is in memory up to a bound for the whole process, and beyond it in
temporary files that nobody else looks at."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.landing.file import (
    SCHEMA,
    WRITING,
    Fetched,
    Provenance,
    describe,
    hasher,
    payloads_of,
    table_of,
    to_parquet_bytes,
)
from meta_pipeline.landing.text import readable
from meta_pipeline.records import Batch, LandingError
from meta_pipeline.store.temporary import beside

# Rows of all open days together; a month of days of 20,000 rows would take 1.5 GB.
BUFFER_BYTES = 48 * 1024 * 1024
# Records of a day that wait to become an array together: as many as stay in a core's cache meanwhile.
LOOSE_BYTES = 256 * 1024


class MemoryBudget:
    """How many bytes of open days are in memory, over all threads of the process."""

    def __init__(self, limit: int = BUFFER_BYTES) -> None:
        self.limit = limit
        # A day smaller than that is not worth a trip to its file while others hold the memory.
        self.smallest_spill = limit // 32
        self.bytes_buffered = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> bool:
        """So many bytes more (or fewer); whether that is within the limit."""
        with self._lock:
            self.bytes_buffered += size
            return self.bytes_buffered <= self.limit


class OpenDay:
    """One day that is being gathered: records as they came, and how many of them in a row came with one answer."""

    def __init__(self, source: Provenance, day: dt.date, path: Path) -> None:
        self.day = day
        self.path = path
        self.rows = 0
        self.bytes_buffered = 0
        self._temporary = beside(path)
        self._source = source
        self._hash = hasher()
        self._is_on_disk = False
        self._loose: list[pa.Array] = []
        self._loose_bytes = 0
        self._payloads: list[pa.StringArray] = []
        self._answers: list[tuple[Fetched, int]] = []
        self._written = 0
        self._writer: pq.ParquetWriter | None = None

    @property
    def digest(self) -> str:
        """The name of exactly these records in their order."""
        self._gather()
        return self._hash.hexdigest()

    def add(self, records: pa.Array, batch: Batch) -> int:
        """Records of a page, bytes of any kind; how many bytes more they take in memory."""
        if not len(records):
            return 0
        size: int = records.nbytes
        if self._loose_bytes + size > LOOSE_BYTES:
            self._gather()
        self._loose.append(records)
        self._loose_bytes += size
        # Not the batch itself: it holds on to its whole page.
        answer, before = (batch.version, batch.trace_id, batch.fetched_at), self._answers[-1:]
        if before and before[0][0] == answer:
            self._answers[-1] = answer, before[0][1] + len(records)
        else:
            self._answers.append((answer, len(records)))
        self.rows += len(records)
        self.bytes_buffered += size
        return size

    def _gather(self) -> None:
        """What came last becomes one array, many pages at a time where each has little of this day."""
        if not self._loose:
            return
        payloads, joined = readable(pa.concat_arrays(self._loose) if len(self._loose) > 1 else self._loose[0])
        self._hash.update(joined)
        self._payloads.append(payloads)
        self._loose, self._loose_bytes = [], 0

    def payloads(self) -> Iterator[str]:
        """The records, those that went to the temporary file too, which is whole then."""
        if self._written:
            yield from payloads_of(self.finish())
        else:
            self._gather()
            for payloads in self._payloads:
                yield from payloads.to_pylist()

    def spill(self) -> int:
        """What is in memory goes to the temporary file; how many bytes became free."""
        if self._writer is None:
            os.close(self._created())
            self._writer = pq.ParquetWriter(self._temporary, SCHEMA, **WRITING)
        self._writer.write_table(self._table())
        self._written = self.rows
        return self._clear_buffers()

    def finish(self) -> Path:
        """The temporary file, whole and on the disk."""
        temporary = self._temporary
        if self._writer is None and self._written:  # asked for before
            return temporary
        if self._writer is None:  # one write of the whole is the cheapest: most days are small
            left = to_parquet_bytes(self._table(), self._source, self.digest) if self.rows else self._source.empty_file
            file = self._created()
            try:
                while left:
                    left = left[os.write(file, left):]
                os.fsync(file)
            finally:
                os.close(file)
            return temporary
        if self.rows > self._written:
            held = self.bytes_buffered  # until it is discarded: what became free is said then
            self.spill()
            self.bytes_buffered = held
        describe(self._writer, self._source, self.digest)
        self._writer.close()
        self._writer = None
        with temporary.open("rb") as opened:
            os.fsync(opened.fileno())
        return temporary

    def discard(self) -> int:
        """Nothing of it is left, in memory or on disk; how many bytes became free."""
        if self._writer is not None:
            with contextlib.suppress(OSError, pa.ArrowException):  # its file goes anyway
                self._writer.close()
            self._writer = None
        if self._is_on_disk:
            self._temporary.unlink(missing_ok=True)
            self._is_on_disk = False
        return self._clear_buffers()

    def _created(self) -> int:
        """The temporary file, empty and open; its folder is there nearly always."""
        self._is_on_disk = True
        how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            return os.open(self._temporary, how, 0o600)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._temporary, how, 0o600)

    def _clear_buffers(self) -> int:
        freed, self.bytes_buffered = self.bytes_buffered, 0
        self._payloads, self._answers, self._loose, self._loose_bytes = [], [], [], 0
        return freed

    def _table(self) -> pa.Table:
        self._gather()
        return table_of(self._source, self.day, self._written, self._payloads, self._answers)


class OpenDays:
    """The days of a pull, gathered side by side. `paths`: where each of them will stand; `failed`: those that could
    not be written, and why."""

    def __init__(self, source: Provenance, paths: Mapping[dt.date, Path], budget: MemoryBudget) -> None:
        self.source = source
        self._paths = paths
        self._budget = budget
        self.days: dict[dt.date, OpenDay] = {}
        self.failed: dict[dt.date, LandingError] = {}
        self.restart()

    def add(self, day: dt.date, records: pa.Array, batch: Batch) -> None:
        """Records of a day; of a day that is not gathered they are left out."""
        if day not in self.days:
            return
        within = self._budget.add(self.days[day].add(records, batch))
        largest = max(self.days.values(), key=lambda one: one.bytes_buffered)
        if not within and largest.bytes_buffered >= self._budget.smallest_spill:
            try:
                self._budget.add(-largest.spill())
            except (OSError, pa.ArrowException) as error:
                self.failed[largest.day] = unwritable(largest.path, error)
                self.drop(largest.day)

    def restart(self) -> None:
        """Nothing is left of what was gathered; it may begin anew."""
        untouched = {day: one for day, one in self.days.items() if not one.rows}
        for one in self.days.values():
            self._budget.add(-one.discard())
        self.failed = {}
        self.days = {
            day: untouched.get(day) or OpenDay(self.source, day, path) for day, path in self._paths.items()
        }

    def drop(self, day: dt.date) -> None:
        """A day is gathered no more."""
        if (one := self.days.pop(day, None)) is not None:
            self._budget.add(-one.discard())


def unwritable(path: Path, error: Exception) -> LandingError:
    """Why a day did not land, and what to do about it."""
    return LandingError(f"could not write {path}: {error}; free space or permissions, then run it again")
