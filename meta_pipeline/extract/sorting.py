"""The rows of a range, parted by day as they come, and what can't be trusted among them. No I/O."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from meta_pipeline.extract.insights import Range
from meta_pipeline.extract.reports import Report
from meta_pipeline.graph.response import Cut
from meta_pipeline.records import Batch, Buffer, LandingError


class Sorter:
    """Parts pages of a report by day. Of a row only its day and its key are looked at: ids were strings and may be
    numbers one day, a breakdown's value may be absent. Keys are kept as hashes, 8 bytes a row, so that a range of
    millions of rows is no matter of memory; that two different keys of a day share one is one chance in 10^7 at a
    million rows, and costs that day another read."""

    def __init__(self, report: Report, node_id: str, asked: Range) -> None:
        self.rows = 0
        self._of = f"{report.name} of {node_id}"
        self._key = report.key
        self._asked = asked
        self._read, self._key_of = _reading(report.key)
        self._days = {(str(since), str(until)): until for since, until in map(report.span, asked.days)}
        self._hashes: dict[dt.date, list[npt.NDArray[np.int64]]] = {}

    def parts(self, batch: Batch) -> Iterator[tuple[dt.date, Sequence[Buffer]]]:
        """The page's records, day by day, bytes-like and not copied. LandingError for a row of a day that nobody asked
        for."""
        body = batch.body if batch.body is not None else b'{"data":[' + b",".join(batch.records) + b"]}"
        try:
            rows = self._read(body).data
        except msgspec.MsgspecError as error:
            raise LandingError(f"a row of {self._of} has no day or no readable key: {error}") from error
        if not rows:
            return
        self.rows += len(rows)
        starts, stops = [row.date_start for row in rows], [row.date_stop for row in rows]
        found = {(stop, stop) for stop in set(stops)} if starts == stops else set(zip(starts, stops, strict=True))
        for span in found:
            if span not in self._days:
                raise LandingError(
                    f"{self._of} answered with a row for {span[0]}–{span[1]} though only days "
                    f"{self._asked.since}–{self._asked.until} were asked"
                )
        hashes = np.fromiter(map(hash, map(self._key_of, rows)), np.int64, len(rows))
        records = batch.records.pieces if isinstance(batch.records, Cut) else batch.records
        if len(found) == 1:
            yield self._part(found.pop(), hashes, records)
            return
        spans = sorted(found)
        numbers = {stop: number for number, (_, stop) in enumerate(spans)}
        which = np.fromiter(map(numbers.__getitem__, stops), np.int32, len(rows))
        order = np.argsort(which, kind="stable")
        records, hashes = [records[index] for index in order.tolist()], hashes[order]
        bounds = [0, *np.cumsum(np.bincount(which)).tolist()]
        for span, (start, end) in zip(spans, itertools.pairwise(bounds), strict=True):
            yield self._part(span, hashes[start:end], records[start:end])

    def _part(
        self, span: tuple[str, str], hashes: npt.NDArray[np.int64], records: Sequence[Buffer]
    ) -> tuple[dt.date, Sequence[Buffer]]:
        day = self._days[span]
        self._hashes.setdefault(day, []).append(hashes)
        return day, records

    def untrustworthy(self) -> dict[dt.date, LandingError]:
        """The days that have two rows of one key."""
        found = {}
        for day, chunks in self._hashes.items():
            keys = np.sort(np.concatenate(chunks))
            if (keys[1:] == keys[:-1]).any():
                found[day] = LandingError(f"{self._of} has two rows with the same {', '.join(self._key)} on {day}")
        return found


@functools.cache
def _reading(key: tuple[str, ...]) -> tuple[Callable[[bytes], Any], Callable[[Any], Any]]:
    """How a page's rows are read, and what tells a row apart."""
    row = msgspec.defstruct(
        "Row", [("date_start", str), ("date_stop", str), *((name, str | int | None, None) for name in key)], gc=False
    )
    page = msgspec.defstruct("Rows", [("data", list[row])], gc=False)  # type: ignore[valid-type]
    return msgspec.json.Decoder(page).decode, operator.attrgetter(*key)


def key_of(report: Report) -> Callable[[bytes], Any]:
    """What tells a record of a report apart within its day."""
    read, key = _reading(report.key)
    return lambda record: key(read(b'{"data":[' + record + b"]}").data[0])
