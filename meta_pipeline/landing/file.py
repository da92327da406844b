"""What stands in a landed file: the record exactly as Graph gave it, and in every row where it came from."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from meta_pipeline.digests import short_hash
from meta_pipeline.landing.text import arrow_text

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
_REQUEST, _DIGEST = "request", "digest"
# Payloads hardly repeat as a whole, nobody looks for one by its bounds, and the other columns are as good as nothing.
WRITING: dict[str, Any] = {
    "compression": {name: "zstd" if name == "payload" else "none" for name in SCHEMA.names},
    "compression_level": {"payload": 1},  # at 3 a day is no smaller, and costs a quarter more
    "use_dictionary": [field.name for field in SCHEMA if pa.types.is_dictionary(field.type)],
    "column_encoding": {"record_index": "DELTA_BINARY_PACKED"},
    "write_statistics": False,
    "store_schema": False,
    "data_page_size": 256 * 1024,  # what is compressed at once stays in a core's cache
}

# Tells states of a day apart, and nobody gains from two that share one: it need not be cryptographic.
hasher = xxhash.xxh3_128
# Of an answer: its version, its trace id, and when it came.
Fetched = tuple[str, str | None, dt.datetime]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a day comes from: what every row of it says of itself."""

    report: str
    node_id: str
    request: Mapping[str, Any]
    run_id: str

    @functools.cached_property
    def request_json(self) -> str:
        """What was asked for, as a file says it of itself."""
        return json.dumps(self.request, sort_keys=True, separators=(",", ":"))

    @functools.cached_property
    def digest(self) -> str:
        """A name for what was asked for."""
        return short_hash(self.request_json.encode())

    @functools.cached_property
    def constant_columns(self) -> tuple[pa.StringArray, ...]:
        """What is the same in all of its rows: node, report, run, and the digest of the request."""
        return tuple(_texts([name]) for name in (self.node_id, self.report, self.run_id, self.digest))

    @functools.cached_property
    def empty_file(self) -> memoryview:
        """The file of a day without delivery: every such day of a pull has the same."""
        return to_parquet_bytes(table_of(self, _EPOCH.date(), 0, [], []), self, hasher().hexdigest())


def table_of(
    source: Provenance,
    day: dt.date,
    first: int,
    payloads: Sequence[pa.StringArray],
    answers: Sequence[tuple[Fetched, int]],
) -> pa.Table:
    """Rows of a day from the `first` on; `answers`: how many in a row came with each."""
    lengths = [length for _, length in answers]
    alone = np.zeros(sum(lengths), np.int32)
    which = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    versions, trace_ids, times = ([answer[at] for answer, _ in answers] for at in range(3))
    node_id, report, run_id, request = (_repeated(alone, name) for name in source.constant_columns)
    columns = [
        node_id,
        _repeated(alone, _numbers(pa.date32(), [(day - _EPOCH.date()).days])),
        _numbers(pa.int32(), np.arange(first, first + len(alone))),
        pa.chunked_array(payloads, pa.string()),
        report,
        _told(which, versions, _texts),
        _told(which, trace_ids, _texts),
        _told(which, times, lambda times: _numbers(_TIME, [(at - _EPOCH) // _MICROSECOND for at in times])),
        run_id,
        request,
    ]
    return pa.table(columns, schema=SCHEMA)


def to_parquet_bytes(table: pa.Table, source: Provenance, digest: str) -> memoryview:
    """A whole file."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, SCHEMA, **WRITING) as writer:
        writer.write_table(table)
        describe(writer, source, digest)
    return memoryview(sink.getvalue())


def describe(writer: pq.ParquetWriter, source: Provenance, digest: str) -> None:
    """What the file says of itself: what was asked for, and the name of its records."""
    writer.add_key_value_metadata({_REQUEST: source.request_json, _DIGEST: digest})


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
