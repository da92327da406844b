"""Days on their way to disk: what came of them is in memory up to a bound for the whole process, and beyond it in
temporary files that nobody else looks at."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.landing.text import readable
from meta_pipeline.records import Batch, Buffer, LandingError

SCHEMA = pa.schema(
    [
        ("node_id", pa.string()),
        ("day", pa.date32()),
        ("record_index", pa.int32()),
        ("payload", pa.string()),
        ("_report", pa.string()),
        ("_api_version", pa.string()),
        ("_fbtrace_id", pa.string()),
        ("_fetched_at", pa.timestamp("us", tz="UTC")),
        ("_run_id", pa.string()),
        ("_request", pa.string()),
    ]
)
_DIGEST = b"digest"
# Rows of all open days together; a month of days of 20,000 rows would take 1.5 GB.
BUFFER_BYTES = 32 * 1024 * 1024
# Records of a day that wait to become an array together: as many as stay in a core's cache meanwhile.
LOOSE_BYTES = 256 * 1024
# Payloads hardly repeat as a whole, nobody looks for one by its bounds, and what is the same in every row is as small
# without a dictionary.
_WRITING: dict[str, Any] = {
    "compression": "zstd", "compression_level": 3, "write_statistics": False, "use_dictionary": False,
}


class Memory:
    """How many bytes of open days are in memory, over all threads of the process."""

    def __init__(self, limit: int = BUFFER_BYTES) -> None:
        self.limit = limit
        # A day smaller than that is not worth a trip to its file while others hold the memory.
        self.least = limit // 32
        self.held = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> bool:
        """So many bytes more (or fewer); whether that is within the limit."""
        with self._lock:
            self.held += size
            return self.held <= self.limit


@dataclass(frozen=True)
class Provenance:
    """Where a day comes from: what every row of it says of itself."""

    report: str
    node_id: str
    request: Mapping[str, Any]
    run_id: str

    @functools.cached_property
    def schema(self) -> pa.Schema:
        """Of a file that says what was asked for."""
        asked = json.dumps(self.request, sort_keys=True, separators=(",", ":"))
        return SCHEMA.with_metadata({"request": asked})

    @functools.cached_property
    def digest(self) -> str:
        """A name for what was asked for."""
        return hashlib.sha256(self.schema.metadata[b"request"]).hexdigest()[:32]


# The version, trace id and time of an answer.
_Answer = tuple[str, str | None, dt.datetime]


class OpenDay:
    """One day that is being gathered: records as they came, and how many of them in a row came with one answer."""

    def __init__(self, source: Provenance, day: dt.date, path: Path) -> None:
        self.day = day
        self.path = path
        self.rows = 0
        self.held = 0
        # A fixed name: what a killed process left is written over. The account's lease keeps everybody else away.
        self._temporary = path.with_name(f".{path.stem}.tmp")
        self._source = source
        self._hash = hashlib.sha256()
        self._is_begun = self._is_on_disk = False
        self._loose: list[Buffer] = []
        self._loose_bytes = 0
        self._payloads: list[pa.StringArray] = []
        self._answers: list[tuple[_Answer, int]] = []
        self._written = 0
        self._writer: pq.ParquetWriter | None = None

    @property
    def digest(self) -> str:
        """The name of exactly these records in their order."""
        self._gather()
        return self._hash.hexdigest()

    def add(self, records: Sequence[Buffer], batch: Batch) -> int:
        """Records of a page; how many bytes more they take in memory."""
        if not records:
            return 0
        # A page of which this day has little is not held on to for that little.
        self._loose += records if 2 * len(records) > len(batch.records) else [bytes(record) for record in records]
        # Not the batch itself: it holds on to its whole page.
        self._answers.append(((batch.version, batch.trace_id, batch.fetched_at), len(records)))
        self.rows += len(records)
        size = sum(map(len, records)) if batch.body is None else len(batch.body) * len(records) // len(batch.records)
        self.held += size
        self._loose_bytes += size
        if self._loose_bytes >= LOOSE_BYTES:
            self._gather()
        return size

    def _gather(self) -> None:
        """What came last becomes an array, many pages at a time where each has little of this day."""
        if not self._loose:
            return
        payloads, together = readable(self._loose)
        if self._is_begun:
            self._hash.update(b"\n")
        self._hash.update(together)
        self._payloads.append(payloads)
        self._is_begun, self._loose, self._loose_bytes = True, [], 0

    def payloads(self) -> Iterator[str]:
        """The records, those that went to the temporary file too, which is whole then."""
        if self._written:
            yield from payloads_of(self.written())
        else:
            self._gather()
            for payloads in self._payloads:
                yield from payloads.to_pylist()

    def spill(self) -> int:
        """What is in memory goes to the temporary file; how many bytes became free."""
        if self._writer is None:
            os.close(self._created())
            self._writer = pq.ParquetWriter(self._temporary, self._source.schema, **_WRITING)
        self._writer.write_table(self._table())
        self._written = self.rows
        return self._emptied()

    def written(self) -> Path:
        """The temporary file, whole and on the disk."""
        temporary = self._temporary
        if self._writer is None and self._written:  # asked for before
            return temporary
        if self._writer is None:  # one write of the whole is the cheapest: most days are small
            sink = pa.BufferOutputStream()
            table = self._table()
            whole = table.replace_schema_metadata({**table.schema.metadata, _DIGEST: self.digest.encode()})
            pq.write_table(whole, sink, **_WRITING)
            file = self._created()
            try:
                left = memoryview(sink.getvalue())
                while left:
                    left = left[os.write(file, left):]
                os.fsync(file)
            finally:
                os.close(file)
            return temporary
        if self.rows > self._written:
            self.spill()
        self._writer.add_key_value_metadata({_DIGEST: self.digest})
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
        return self._emptied()

    def _created(self) -> int:
        """The temporary file, empty and open; its folder is there nearly always."""
        self._is_on_disk = True
        how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            return os.open(self._temporary, how, 0o644)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._temporary, how, 0o644)

    def _emptied(self) -> int:
        free, self.held, self._payloads, self._answers, self._loose, self._loose_bytes = self.held, 0, [], [], [], 0
        return free

    def _table(self) -> pa.Table:
        self._gather()
        source, count = self._source, self.rows - self._written
        return pa.table(
            [
                pa.repeat(pa.scalar(source.node_id, pa.string()), count),
                pa.repeat(pa.scalar(self.day, pa.date32()), count),
                pa.array(np.arange(self._written, self.rows, dtype=np.int32)),
                pa.chunked_array(self._payloads, pa.string()),
                pa.repeat(pa.scalar(source.report, pa.string()), count),
                _column([(version, length) for (version, _, _), length in self._answers], pa.string()),
                _column([(trace_id, length) for (_, trace_id, _), length in self._answers], pa.string()),
                _column([(at, length) for (_, _, at), length in self._answers], pa.timestamp("us", tz="UTC")),
                pa.repeat(pa.scalar(source.run_id, pa.string()), count),
                pa.repeat(pa.scalar(source.digest, pa.string()), count),
            ],
            schema=source.schema,
        )


class OpenDays:
    """The days of a pull, gathered side by side. `paths`: where each of them will stand; `failed`: those that could
    not be written, and why."""

    def __init__(self, source: Provenance, paths: Mapping[dt.date, Path], memory: Memory) -> None:
        self.source = source
        self._paths = paths
        self._memory = memory
        self.days: dict[dt.date, OpenDay] = {}
        self.failed: dict[dt.date, LandingError] = {}
        self.restart()

    def add(self, day: dt.date, records: Sequence[Buffer], batch: Batch) -> None:
        """Records of a day; of a day that is not gathered they are left out."""
        if day not in self.days:
            return
        within = self._memory.add(self.days[day].add(records, batch))
        largest = max(self.days.values(), key=lambda one: one.held)
        if not within and largest.held >= self._memory.least:
            try:
                self._memory.add(-largest.spill())
            except (OSError, pa.ArrowException) as error:
                self.failed[largest.day] = unwritable(largest.path, error)
                self.drop(largest.day)

    def restart(self) -> None:
        """Nothing is left of what was gathered; it may begin anew."""
        for one in self.days.values():
            self._memory.add(-one.discard())
        self.failed = {}
        self.days = {day: OpenDay(self.source, day, path) for day, path in self._paths.items()}

    def drop(self, day: dt.date) -> None:
        """A day is gathered no more."""
        if (one := self.days.pop(day, None)) is not None:
            self._memory.add(-one.discard())


def unwritable(path: Path, error: Exception) -> LandingError:
    """Why a day did not land, and what to do about it."""
    return LandingError(f"could not write {path}: {error}; free space or permissions, then run it again")


def digest_of(path: Path) -> str | None:
    """The digest that a file says of its own records; None for one of an older version."""
    metadata = pq.read_metadata(path).metadata or {}
    found = metadata.get(_DIGEST)
    return found.decode() if found else None


def payloads_of(path: Path) -> Iterator[str]:
    """The records of a file, a few at a time."""
    with pq.ParquetFile(path) as file:
        for some in file.iter_batches(batch_size=10_000, columns=["payload"]):
            yield from some.column(0).to_pylist()


def _column(runs: list[tuple[Any, int]], kind: pa.DataType) -> pa.Array:
    """Every value as often as its answer has rows."""
    values = pa.array([value for value, _ in runs], kind)
    if len(runs) == 1:
        return pa.repeat(values[0], runs[0][1])
    return values.take(pa.array(np.repeat(np.arange(len(runs)), [length for _, length in runs])))
