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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from meta_pipeline.landing.text import arrow_text, readable
from meta_pipeline.records import Batch, LandingError

_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
_TIME = pa.timestamp("us", tz="UTC")
# What is the same in every row of an answer is written once an answer: it is text to whoever reads the file.
_TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("node_id", _TEXT, nullable=False),
        pa.field("day", pa.dictionary(pa.int32(), pa.date32()), nullable=False),
        pa.field("record_index", pa.int32(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("_report", _TEXT, nullable=False),
        pa.field("_api_version", _TEXT, nullable=False),
        pa.field("_fbtrace_id", _TEXT),
        pa.field("_fetched_at", pa.dictionary(pa.int32(), _TIME), nullable=False),
        pa.field("_run_id", _TEXT, nullable=False),
        pa.field("_request", _TEXT, nullable=False),
    ]
)
_DIGEST = "digest"
# Rows of all open days together; a month of days of 20,000 rows would take 1.5 GB.
BUFFER_BYTES = 48 * 1024 * 1024
# Records of a day that wait to become an array together: as many as stay in a core's cache meanwhile.
LOOSE_BYTES = 256 * 1024
# Payloads hardly repeat as a whole, nobody looks for one by its bounds, and the other columns are as good as nothing.
_WRITING: dict[str, Any] = {
    "compression": {name: "zstd" if name == "payload" else "none" for name in SCHEMA.names},
    "compression_level": {"payload": 1},  # at 3 a day is no smaller, and costs a quarter more
    "use_dictionary": [field.name for field in SCHEMA if pa.types.is_dictionary(field.type)],
    "column_encoding": {"record_index": "DELTA_BINARY_PACKED"},
    "write_statistics": False,
    "store_schema": False,
    "data_page_size": 256 * 1024,  # what is compressed at once stays in a core's cache
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
    def asked(self) -> str:
        """What was asked for, as a file says it of itself."""
        return json.dumps(self.request, sort_keys=True, separators=(",", ":"))

    @functools.cached_property
    def digest(self) -> str:
        """A name for what was asked for."""
        return hashlib.sha256(self.asked.encode()).hexdigest()[:32]

    @functools.cached_property
    def names(self) -> tuple[pa.StringArray, ...]:
        """What is the same in all of its rows: node, report, run, and the digest of the request."""
        return tuple(_texts([name]) for name in (self.node_id, self.report, self.run_id, self.digest))


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
        # It tells states of a day apart, and nobody gains from two that share one: it need not be cryptographic.
        self._hash = xxhash.xxh3_128()
        self._is_on_disk = False
        self._loose: list[pa.Array] = []
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
        self.held += size
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
            yield from payloads_of(self.written())
        else:
            self._gather()
            for payloads in self._payloads:
                yield from payloads.to_pylist()

    def spill(self) -> int:
        """What is in memory goes to the temporary file; how many bytes became free."""
        if self._writer is None:
            os.close(self._created())
            self._writer = pq.ParquetWriter(self._temporary, SCHEMA, **_WRITING)
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
            with pq.ParquetWriter(sink, SCHEMA, **_WRITING) as writer:
                writer.write_table(self._table())
                self._describe(writer)
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
        self._describe(self._writer)
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

    def _describe(self, writer: pq.ParquetWriter) -> None:
        """What the file says of itself."""
        writer.add_key_value_metadata({"request": self._source.asked, _DIGEST: self.digest})

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
        alone = np.zeros(count, np.int32)
        lengths = [length for _, length in self._answers]
        answers = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        versions, trace_ids, times = ([answer[at] for answer, _ in self._answers] for at in range(3))
        node_id, report, run_id, request = (_repeated(alone, name) for name in source.names)
        columns = [
            node_id,
            _repeated(alone, _numbers(pa.date32(), [(self.day - _EPOCH.date()).days])),
            _numbers(pa.int32(), np.arange(self._written, self.rows)),
            pa.chunked_array(self._payloads, pa.string()),
            report,
            _told(answers, versions, _texts),
            _told(answers, trace_ids, _texts),
            _told(answers, times, lambda times: _numbers(_TIME, [(at - _EPOCH) // _MICROSECOND for at in times])),
            run_id,
            request,
        ]
        return pa.table(columns, schema=SCHEMA)


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

    def add(self, day: dt.date, records: pa.Array, batch: Batch) -> None:
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
        untouched = {day: one for day, one in self.days.items() if not one.rows}
        for one in self.days.values():
            self._memory.add(-one.discard())
        self.failed = {}
        self.days = {
            day: untouched.get(day) or OpenDay(self.source, day, path) for day, path in self._paths.items()
        }

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
    found = metadata.get(_DIGEST.encode())
    return found.decode() if found else None


def payloads_of(path: Path) -> Iterator[str]:
    """The records of a file, a few at a time."""
    with pq.ParquetFile(path) as file:
        for some in file.iter_batches(batch_size=10_000, columns=["payload"]):
            yield from some.column(0).to_pylist()


# Not `pa.array`: to see whether what it is given comes from pandas, it imports pandas.
def _texts(texts: Iterable[str]) -> pa.StringArray:
    return arrow_text([text.encode() for text in texts])


def _numbers(kind: pa.DataType, numbers: npt.ArrayLike) -> pa.Array:
    """`numbers`: as Arrow keeps the kind."""
    kept = np.asarray(numbers, f"i{kind.bit_width // 8}")
    return pa.Array.from_buffers(kind, len(kept), [None, pa.py_buffer(kept)])


def _told(answers: npt.NDArray[np.int32], values: Sequence[Any], spell: Callable[[Iterable[Any]], pa.Array]) -> Any:
    """What the answers say, in every row of each; null where one says nothing."""
    known = dict.fromkeys(value for value in values if value is not None)
    numbers = {value: number for number, value in enumerate(known)}
    places = np.array([numbers.get(value, -1) for value in values], np.int32)[answers]
    return _repeated(np.maximum(places, 0), spell(numbers), places >= 0)


def _repeated(
    places: npt.NDArray[np.int32], values: pa.Array, are_known: npt.NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """The values at these places of theirs, null for one that is not known."""
    kind = pa.dictionary(pa.int32(), values.type)
    known = None
    if are_known is not None and not are_known.all():
        known = pa.py_buffer(np.packbits(are_known, bitorder="little"))
    return pa.DictionaryArray.from_buffers(kind, len(places), [known, pa.py_buffer(places)], values)
