"""The format of a landed file: each record exactly as Graph returned it, with its origin in every row."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from meta_pipeline.digests import short_hash
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.landing.text import arrow_text

_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
_TIME = pa.timestamp("us", tz="UTC")
# Values that all rows of a response share are stored once; readers of the file see plain text.
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
REQUEST, DIGEST = "request", "digest"
# Payloads hardly repeat and are never filtered by minimum and maximum; the other columns take almost no space.
WRITER_OPTIONS: dict[str, Any] = {
    "compression": {name: "zstd" if name == "payload" else "none" for name in SCHEMA.names},
    "compression_level": {"payload": 1},  # at level 3 a day is no smaller, and takes a quarter more time
    "use_dictionary": [field.name for field in SCHEMA if pa.types.is_dictionary(field.type)],
    "column_encoding": {"record_index": "DELTA_BINARY_PACKED"},
    "write_statistics": False,
    "store_schema": False,
    "data_page_size": 256 * 1024,  # a page fits into a core's cache while it is compressed
}

# It only distinguishes contents of a day, so it need not be cryptographic.
hasher = xxhash.xxh3_128
# API version, trace id and time of a response.
ResponseKey = tuple[str, str | None, dt.datetime]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The origin of a day's records, written in every row of its file. Without `keeps_versions`, the previous content
    of a day is not kept."""

    report: str
    node_id: str
    request: Mapping[str, Any]
    run_id: str
    keeps_versions: bool = True

    @functools.cached_property
    def request_json(self) -> str:
        """Return the request as canonical JSON."""
        return json.dumps(self.request, sort_keys=True, separators=(",", ":"))

    @functools.cached_property
    def digest(self) -> str:
        """Return the digest of the request."""
        return short_hash(self.request_json.encode())

    @functools.cached_property
    def constant_columns(self) -> tuple[pa.StringArray, ...]:
        """Return the values that all rows share: node, report, run, and the digest of the request."""
        return tuple(_texts([text]) for text in (self.node_id, self.report, self.run_id, self.digest))

    @functools.cached_property
    def empty_file(self) -> memoryview:
        """Return the file of a day without delivery, which is the same for all such days of a pull."""
        return to_parquet_bytes(table_of(self, _EPOCH.date(), 0, [], []), self, hasher().hexdigest())


def table_of(
    source: Provenance,
    day: dt.date,
    first: int,
    payloads: Sequence[pa.StringArray],
    responses: Sequence[tuple[ResponseKey, int]],
) -> pa.Table:
    """Return the rows of a day from index `first` on; `responses`: each response with its number of consecutive
    rows."""
    lengths = [length for _, length in responses]
    zeros = np.zeros(sum(lengths), np.int32)
    response_of_row = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    versions, trace_ids, times = ([key[at] for key, _ in responses] for at in range(3))
    node_id, report, run_id, request = (_dictionary_array(zeros, value) for value in source.constant_columns)
    columns = [
        node_id,
        _dictionary_array(zeros, _numbers(pa.date32(), [(day - _EPOCH.date()).days])),
        _numbers(pa.int32(), np.arange(first, first + len(zeros))),
        pa.chunked_array(payloads, pa.string()),
        report,
        _column_of_responses(response_of_row, versions, _texts),
        _column_of_responses(response_of_row, trace_ids, _texts),
        _column_of_responses(
            response_of_row, times, lambda times: _numbers(_TIME, [(at - _EPOCH) // _MICROSECOND for at in times])
        ),
        run_id,
        request,
    ]
    return pa.table(columns, schema=SCHEMA)


def to_parquet_bytes(table: pa.Table, source: Provenance, digest: str) -> memoryview:
    """Return a whole file."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, SCHEMA, **WRITER_OPTIONS) as writer:
        writer.write_table(table)
        write_metadata(writer, source, digest)
    return memoryview(sink.getvalue())


def write_metadata(writer: pq.ParquetWriter, source: Provenance, digest: str) -> None:
    """Write the request and the digest of the records into the file's metadata."""
    writer.add_key_value_metadata({REQUEST: source.request_json, DIGEST: digest})


def digest_of(location: Location) -> str | None:
    """Return the digest of the records from a file's metadata; None for a file of an older release."""
    digest = reading.parquet_metadata(location).get(DIGEST.encode())
    return digest.decode() if digest else None


def payloads_of(location: Location, day: dt.date | None = None) -> Iterator[str]:
    """Yield the records of a file, or of one day of a cold file; they are read in chunks."""
    for batch in reading.read_batches(location, ["payload"], rows=10_000, day=day):
        yield from batch.column(0).to_pylist()


# Not `pa.array`: it imports pandas to find out whether its argument comes from pandas.
def _texts(texts: Iterable[str]) -> pa.StringArray:
    return arrow_text([text.encode() for text in texts])


def _numbers(kind: pa.DataType, numbers: npt.ArrayLike) -> pa.Array:
    """Return an Arrow array; `numbers` are in the physical representation of its type."""
    values = np.asarray(numbers, f"i{kind.bit_width // 8}")
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _column_of_responses(
    response_of_row: npt.NDArray[np.int32], values: Sequence[Any], to_array: Callable[[Iterable[Any]], pa.Array]
) -> pa.DictionaryArray:
    """Return one value per row, from the response of the row; null if the response has none."""
    distinct = dict.fromkeys(value for value in values if value is not None)
    indexes = {value: index for index, value in enumerate(distinct)}
    index_of_row = np.array([indexes.get(value, -1) for value in values], np.int32)[response_of_row]
    return _dictionary_array(np.maximum(index_of_row, 0), to_array(indexes), is_valid=index_of_row >= 0)


def _dictionary_array(
    indexes: npt.NDArray[np.int32], values: pa.Array, *, is_valid: npt.NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """Return `values[index]` for each index, null where it is not valid."""
    kind = pa.dictionary(pa.int32(), values.type)
    validity = None
    if is_valid is not None and not is_valid.all():
        validity = pa.py_buffer(np.packbits(is_valid, bitorder="little"))
    return pa.DictionaryArray.from_buffers(kind, len(indexes), [validity, pa.py_buffer(indexes)], values)
