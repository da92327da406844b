"""Days whose records are being collected: in memory up to a limit for the whole process, beyond it in temporary
files."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.files.durable import DurableFile
from meta_pipeline.files.locations import Location
from meta_pipeline.landing.file import (
    SCHEMA,
    WRITER_OPTIONS,
    Provenance,
    ResponseKey,
    hasher,
    payloads_of,
    table_of,
    to_parquet_bytes,
    write_metadata,
)
from meta_pipeline.landing.text import arrow_text, valid_text
from meta_pipeline.records import Batch, LandingError

# Rows of all open days together; a month of days of 20,000 rows would take 1.5 GB.
BUFFER_BYTES = 48 * 1024 * 1024
# Records of a day that wait to be joined into one array: as many as fit into a core's cache.
LOOSE_BYTES = 256 * 1024


class MemoryBudget:
    """The bytes of open days that are in memory, over all threads of the process, and their limit."""

    def __init__(self, limit: int = BUFFER_BYTES) -> None:
        self.limit = limit
        # A smaller day is not worth a write to its file while others fill the memory.
        self.smallest_spill = limit // 32
        self.bytes_buffered = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> bool:
        """Count bytes that were buffered, or freed if negative; return True if the sum is within the limit."""
        with self._lock:
            self.bytes_buffered += size
            return self.bytes_buffered <= self.limit


class OpenDay:
    """One day whose records are being collected: the records in order, and the response of each."""

    def __init__(self, source: Provenance, day: dt.date, location: Location) -> None:
        self.day = day
        self.location = location
        self.rows = 0
        self.bytes_buffered = 0
        self._file = DurableFile(location)
        self._source = source
        self._hash = hasher()
        self._loose: list[pa.Array] = []
        self._loose_bytes = 0
        self._payloads: list[pa.StringArray] = []
        self._responses: list[tuple[ResponseKey, int]] = []
        self._rows_on_disk = 0
        self._writer: pq.ParquetWriter | None = None

    @property
    def keeps_versions(self) -> bool:
        """Return whether the previous content of the day is kept."""
        return self._source.keeps_versions

    @property
    def digest(self) -> str:
        """Return the digest of the records in order."""
        self._join_loose()
        return self._hash.hexdigest()

    def add(self, records: pa.Array, batch: Batch) -> int:
        """Add records of a batch, an array of any binary type; return the bytes that they take in memory."""
        if not len(records):
            return 0
        size: int = records.nbytes
        if self._loose_bytes + size > LOOSE_BYTES:
            self._join_loose()
        self._loose.append(records)
        self._loose_bytes += size
        # Do not store the batch: it holds the whole response body.
        key, last = (batch.version, batch.trace_id, batch.fetched_at), self._responses[-1:]
        if last and last[0][0] == key:
            self._responses[-1] = key, last[0][1] + len(records)
        else:
            self._responses.append((key, len(records)))
        self.rows += len(records)
        self.bytes_buffered += size
        return size

    def _join_loose(self) -> None:
        """Join the last records into one array: they can come from many batches with few records of this day each."""
        if not self._loose:
            return
        payloads, joined = valid_text(pa.concat_arrays(self._loose) if len(self._loose) > 1 else self._loose[0])
        self._hash.update(joined)
        self._payloads.append(payloads)
        self._loose, self._loose_bytes = [], 0

    def payloads(self) -> Iterator[str]:
        """Yield the records. If some have been spilled, the temporary file is finished first."""
        if self._rows_on_disk:
            yield from payloads_of(self.finish().temporary)
        else:
            self._join_loose()
            for payloads in self._payloads:
                yield from payloads.to_pylist()

    def spill(self) -> int:
        """Write the rows in memory to the temporary file; return the bytes that were freed."""
        if self._writer is None:
            self._writer = self._file.parquet_writer(SCHEMA, **WRITER_OPTIONS)
        self._writer.write_table(self._table())
        self._rows_on_disk = self.rows
        return self._clear_buffers()

    def finish(self) -> DurableFile:
        """Return the temporary file, complete and synced."""
        if self._file.is_synced:
            return self._file
        if self._writer is None:  # one write of the whole file is cheapest: most days are small
            is_empty = not self.rows
            self._file.write(
                self._source.empty_file if is_empty else to_parquet_bytes(self._table(), self._source, self.digest)
            )
            return self._file
        if self.rows > self._rows_on_disk:
            bytes_buffered = self.bytes_buffered  # they count until the day is discarded
            self.spill()
            self.bytes_buffered = bytes_buffered
        write_metadata(self._writer, self._source, self.digest)
        self._writer.close()
        self._writer = None
        self._file.sync()
        return self._file

    def discard(self) -> int:
        """Remove the day from memory and its temporary file from disk; return the bytes that were freed."""
        if self._writer is not None:
            with contextlib.suppress(OSError, pa.ArrowException):  # its file is removed anyway
                self._writer.close()
            self._writer = None
        self._file.discard()
        return self._clear_buffers()

    def _clear_buffers(self) -> int:
        freed, self.bytes_buffered = self.bytes_buffered, 0
        self._payloads, self._responses, self._loose, self._loose_bytes = [], [], [], 0
        return freed

    def _table(self) -> pa.Table:
        self._join_loose()
        return table_of(self._source, self.day, self._rows_on_disk, self._payloads, self._responses)


class OpenDays:
    """The open days of a pull. `locations`: where each of them will land; `failed`: the error of each day that could
    not be written."""

    def __init__(self, source: Provenance, locations: Mapping[dt.date, Location], budget: MemoryBudget) -> None:
        self.source = source
        self._locations = locations
        self._budget = budget
        self.days: dict[dt.date, OpenDay] = {}
        self.failed: dict[dt.date, LandingError] = {}
        self.restart()

    def add(self, day: dt.date, records: pa.Array, batch: Batch) -> None:
        """Add records of a day; ignore them if the day is not open. Beyond the budget, the largest day is spilled."""
        if day not in self.days:
            return
        is_within = self._budget.add(self.days[day].add(records, batch))
        largest = max(self.days.values(), key=lambda open_day: open_day.bytes_buffered)
        if not is_within and largest.bytes_buffered >= self._budget.smallest_spill:
            try:
                self._budget.add(-largest.spill())
            except (OSError, pa.ArrowException) as error:
                self.failed[largest.day] = write_error(largest.location, error)
                self.drop(largest.day)

    def add_rows(self, day: dt.date, rows: Iterable[tuple[bytes, Batch]]) -> None:
        """Add records of a day, each with its batch; those of one batch that follow each other are added together."""
        # By identity: equality of two batches compares all their records.
        for _, pairs in itertools.groupby(rows, key=lambda pair: id(pair[1])):
            group = list(pairs)
            self.add(day, arrow_text([record for record, _ in group]), group[0][1])

    def restart(self) -> None:
        """Discard all collected records and open all days again."""
        untouched = {day: open_day for day, open_day in self.days.items() if not open_day.rows}
        for open_day in self.days.values():
            self._budget.add(-open_day.discard())
        self.failed = {}
        self.days = {
            day: untouched.get(day) or OpenDay(self.source, day, location) for day, location in self._locations.items()
        }

    def drop(self, day: dt.date) -> None:
        """Discard a day if it is open; records of it are ignored from now on."""
        if (open_day := self.days.pop(day, None)) is not None:
            self._budget.add(-open_day.discard())


def write_error(location: Location, error: Exception) -> LandingError:
    """Return the error for a day that could not be written, with its remedy."""
    return LandingError(f"could not write {location}: {error}; free space or fix the permissions, then run it again")
