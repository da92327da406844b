"""The rows of a range, parted by day as they come, and what can't be trusted among them. No I/O."""

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

from meta_pipeline.extract.ads.insights import Range
from meta_pipeline.extract.ads.reports import Report
from meta_pipeline.extract.cut import bare, cut
from meta_pipeline.graph.response import UNREADABLE, page_reader
from meta_pipeline.records import Batch, LandingError

# Records that are handed on together: as many as stay in a core's cache while they land.
AT_ONCE_BYTES = 256 * 1024


class DayPartitioner:
    """Parts pages of a report by day. Of a row only its day and its key are looked at: ids were strings and may be
    numbers one day, a breakdown's value may be absent. Keys are kept as hashes, 8 bytes a row, so that a range of
    millions of rows is no matter of memory; that two different keys of a day share one is one chance in 10^7 at a
    million rows, and costs that day another read."""

    def __init__(self, report: Report, node_id: str, asked: Range) -> None:
        self.rows = 0
        self._of = f"{report.name} of {node_id}"
        self._key = report.key
        self._asked = asked
        self._days = {(str(since), str(until)): until for since, until in map(report.span, asked.days)}
        self._hashes: dict[dt.date, list[npt.NDArray[np.int64]]] = {}

    def parts(self, batch: Batch) -> Iterator[tuple[dt.date, pa.BinaryArray]]:
        """The page's records, day by day. LandingError for a row of a day that nobody asked for."""
        body = batch.body if batch.body is not None else b'{"data":[' + b",".join(batch.records) + b"]}"
        try:
            rows = batch.rows or page_reader(row_of(self._key))(body).data
        except UNREADABLE as error:
            raise LandingError(f"a row of {self._of} has no day or no readable key: {error}") from error
        if not rows:
            return
        self.rows += len(rows)
        starts, stops = [row.date_start for row in rows], [row.date_stop for row in rows]
        if starts == stops:
            # Most pages are of one day: to count is cheaper than to hash.
            found = {(stop, stop) for stop in (stops[:1] if stops.count(stops[0]) == len(stops) else set(stops))}
        else:
            found = set(zip(starts, stops, strict=True))
        for span in found:
            if span not in self._days:
                raise LandingError(
                    f"{self._of} answered with a row for {span[0]}–{span[1]} though only days "
                    f"{self._asked.since}–{self._asked.until} were asked"
                )
        hashes = np.fromiter(map(hash, map(operator.attrgetter(*self._key), rows)), np.int64, len(rows))
        records = cut(body, len(rows))
        if len(found) == 1:
            yield from self._part(found.pop(), hashes, records)
            return
        spans = sorted(found)
        numbers = {stop: number for number, (_, stop) in enumerate(spans)}
        which = np.fromiter(map(numbers.__getitem__, stops), np.int32, len(rows))
        if (which[1:] < which[:-1]).any():
            order = np.argsort(which, kind="stable")
            # Not `pa.array`, which would import pandas.
            places = pa.Int64Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)])
            records, hashes = records.take(places), hashes[order]
        bounds = [0, *np.cumsum(np.bincount(which)).tolist()]
        for span, (start, end) in zip(spans, itertools.pairwise(bounds), strict=True):
            yield from self._part(span, hashes[start:end], records[start:end])

    def _part(
        self, span: tuple[str, str], hashes: npt.NDArray[np.int64], records: pa.BinaryArray
    ) -> Iterator[tuple[dt.date, pa.BinaryArray]]:
        day, some = self._days[span], max(1, AT_ONCE_BYTES * len(records) // records.nbytes)
        self._hashes.setdefault(day, []).append(hashes)
        for start in range(0, len(records), some):
            yield day, bare(records[start:start + some])

    def days_with_duplicate_keys(self) -> dict[dt.date, LandingError]:
        """The days that have two rows of one key."""
        found = {}
        for day, chunks in self._hashes.items():
            keys = np.sort(np.concatenate(chunks))
            if (keys[1:] == keys[:-1]).any():
                found[day] = LandingError(f"{self._of} has two rows with the same {', '.join(self._key)} on {day}")
        return found


@functools.cache
def row_of(key: tuple[str, ...]) -> type[msgspec.Struct]:
    """What of a row is looked at: its day and its key."""
    return msgspec.defstruct(
        "Row", [("date_start", str), ("date_stop", str), *((name, str | int | None, None) for name in key)], gc=False
    )


def key_of(report: Report) -> Callable[[bytes], Any]:
    """What tells a record of a report apart within its day."""
    read, key = msgspec.json.Decoder(row_of(report.key)).decode, operator.attrgetter(*report.key)
    return lambda record: key(read(record))
