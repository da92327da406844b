"""Forecast the calls of a report over some ranges, from the sizes learned of the node. No I/O.

Meta charges calls: every operation of a batch counts as one."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.sizes import Sizes


class ForecastReport(Protocol):
    """The fields of a report that its forecast depends on. `rows_per_day`: where the report defines it; `gate`: set for
    a report that is always read by a report run."""

    @property
    def name(self) -> str: ...
    @property
    def rows_per_day(self) -> float | None: ...
    @property
    def gate(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The expected calls and rows of one report of one node. `rows`: None when it was never read; `calls` is then a
    minimum, with one page per range."""

    report: str
    days: int
    report_runs: int
    calls: int
    rows: int | None


def forecast_report(
    report: ForecastReport, requested: Sequence[Range], sizes: Sizes, *, polls: float, finished: Sequence[Range] = ()
) -> Forecast:
    """Forecast a report over the `requested` ranges and the `finished` ones, whose report runs only have to be read.
    `polls`: how often a report run is polled until it is done."""
    report_runs, calls, rows = 0, 0.0, 0
    rows_per_day = report.rows_per_day if report.rows_per_day is not None else sizes.rows_per_day
    for part in (*requested, *finished):
        days = len(part.days)
        expected = round(rows_per_day * days) if rows_per_day is not None else None
        is_small = report.gate is None and sizes.is_synchronous(days, rows_per_day=report.rows_per_day)
        if part not in finished and not is_small:
            report_runs += 1
            calls += 1 + polls
        calls += pages(expected, sizes)
        rows += expected or 0
    return Forecast(
        report=report.name, days=sum(len(part.days) for part in (*requested, *finished)), report_runs=report_runs,
        calls=math.ceil(calls), rows=rows if rows_per_day is not None else None,
    )


def pages(rows: int | None, sizes: Sizes) -> int:
    """Return the number of growing pages that hold these rows; a range without any row is read twice."""
    if rows is None:
        return 1
    if rows == 0:
        return 2
    growing, count, left = copy.copy(sizes), 0, rows
    while left > 0:
        page_rows = min(left, growing.page)
        growing.page_worked(page_rows)
        left -= page_rows
        count += 1
    return count
