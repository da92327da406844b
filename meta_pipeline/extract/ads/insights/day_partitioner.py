"""Partition pages of Ads Insights by day as they are read, and detect days that can't be trusted. No I/O."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.page_slicing import slice_records, strip_separators
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.graph.responses.response import UNREADABLE, page_reader
from meta_pipeline.records import Batch, LandingError

# The size of the records that are yielded together: small enough to stay in a core's cache while they land.
CHUNK_BYTES = 256 * 1024


class DayPartitioner:
    """Partitions pages of a report by day. Of a row only its day and its key are decoded: ids were strings and may be
    numbers one day, a breakdown's value may be missing. Keys are stored as hashes, 8 bytes a row, so that a range of
    millions of rows needs little memory; two different keys of a day share a hash with a probability of 1 in 10^7 at a
    million rows, which costs that day another read."""

    def __init__(self, report: Report, node_id: str, requested: Range) -> None:
        self.rows = 0
        self._name = f"{report.name} of {node_id}"
        self._key = report.key
        self._requested = requested
        self._days = {(str(since), str(until)): until for since, until in map(report.span, requested.days)}
        self._hashes: dict[dt.date, list[npt.NDArray[np.int64]]] = {}

    def partition(self, batch: Batch) -> Iterator[tuple[dt.date, pa.BinaryArray]]:
        """Yield the page's records, day by day. Raise LandingError for a row of a day that was not requested."""
        body = batch.body if batch.body is not None else b'{"data":[' + b",".join(batch.records) + b"]}"
        try:
            rows = batch.rows or page_reader(key_row_type(self._key))(body).data
        except UNREADABLE as error:
            raise LandingError(f"a row of {self._name} has no day or no readable key: {error}") from error
        if not rows:
            return
        self.rows += len(rows)
        starts, stops = [row.date_start for row in rows], [row.date_stop for row in rows]
        if starts == stops:
            # Most pages have one day: counting is cheaper than hashing.
            spans = {(stop, stop) for stop in (stops[:1] if stops.count(stops[0]) == len(stops) else set(stops))}
        else:
            spans = set(zip(starts, stops, strict=True))
        self._check_days(spans)
        hashes = np.fromiter(map(hash, map(operator.attrgetter(*self._key), rows)), np.int64, len(rows))
        records = slice_records(body, len(rows))
        if len(spans) == 1:
            yield from self._chunks(spans.pop(), hashes, records)
            return
        ordered = sorted(spans)
        numbers = {stop: number for number, (_, stop) in enumerate(ordered)}
        day_numbers = np.fromiter(map(numbers.__getitem__, stops), np.int32, len(rows))
        if (day_numbers[1:] < day_numbers[:-1]).any():
            order = np.argsort(day_numbers, kind="stable")
            # Not `pa.array`, which would import pandas.
            indices = pa.Int64Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)])
            records, hashes = records.take(indices), hashes[order]
        bounds = [0, *np.cumsum(np.bincount(day_numbers)).tolist()]
        for span, (start, end) in zip(ordered, itertools.pairwise(bounds), strict=True):
            yield from self._chunks(span, hashes[start:end], records[start:end])

    def _check_days(self, spans: set[tuple[str, str]]) -> None:
        for since, until in spans:
            if (since, until) not in self._days:
                raise LandingError(
                    f"{self._name}: Meta returned a row for {since}–{until}, but only days "
                    f"{self._requested.since}–{self._requested.until} were requested"
                )

    def _chunks(
        self, span: tuple[str, str], hashes: npt.NDArray[np.int64], records: pa.BinaryArray
    ) -> Iterator[tuple[dt.date, pa.BinaryArray]]:
        day, count = self._days[span], max(1, CHUNK_BYTES * len(records) // records.nbytes)
        self._hashes.setdefault(day, []).append(hashes)
        for start in range(0, len(records), count):
            yield day, strip_separators(records[start:start + count])

    def days_with_duplicate_keys(self) -> dict[dt.date, LandingError]:
        """Return the days that have two rows with the same key, each with its error."""
        errors = {}
        for day, chunks in self._hashes.items():
            keys = np.sort(np.concatenate(chunks))
            if (keys[1:] == keys[:-1]).any():
                errors[day] = LandingError(f"{self._name} has two rows with the same {', '.join(self._key)} on {day}")
        return errors


@functools.cache
def key_row_type(key: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return the type that decodes the day and the key of a row, and nothing else."""
    return msgspec.defstruct(
        "Row", [("date_start", str), ("date_stop", str), *((name, str | int | None, None) for name in key)], gc=False
    )


def key_reader(report: Report) -> Callable[[bytes], Any]:
    """Return a function that reads the key of a report's record, which is unique within its day."""
    decode, key = msgspec.json.Decoder(key_row_type(report.key)).decode, operator.attrgetter(*report.key)
    return lambda record: key(decode(record))
