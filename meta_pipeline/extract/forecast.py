"""How many calls a report over some ranges will take, from what was learned of the account. No I/O.

A call is what Meta charges: every operation of a batch counts."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.extract.ads.insights import Range
from meta_pipeline.extract.ads.reports import Report
from meta_pipeline.extract.ads.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one report of one account will take. `rows` None: never read before, so that there is one page a range is
    only the least there can be."""

    report: str
    days: int
    report_runs: int
    calls: int
    rows: int | None


def of_report(
    report: Report, asked: Sequence[Range], sizes: Sizes, *, looks: float, finished: Sequence[Range] = ()
) -> Forecast:
    """The forecast for a report over `asked`, and over what is `finished` and only left to read. `looks`: how often a
    report run is looked at until it is done."""
    runs, calls, rows = 0, 0.0, 0
    a_day = report.rows_per_day if report.rows_per_day is not None else sizes.rows_per_day
    for one in (*asked, *finished):
        days = len(one.days)
        expected = round(a_day * days) if a_day is not None else None
        is_small = report.gate is None and sizes.is_synchronous(days, rows_per_day=report.rows_per_day)
        if one not in finished and not is_small:
            runs += 1
            calls += 1 + looks
        calls += pages(expected, sizes)
        rows += expected or 0
    days = sum(len(one.days) for one in (*asked, *finished))
    return Forecast(report.name, days, runs, math.ceil(calls), rows if a_day is not None else None)


def pages(rows: int | None, sizes: Sizes) -> int:
    """How many pages so many rows are, growing as they do; a range without any row is read twice."""
    if rows is None:
        return 1
    if rows == 0:
        return 2
    growing, count, left = copy.copy(sizes), 0, rows
    while left > 0:
        taken = min(left, growing.page)
        growing.page_worked(taken)
        left -= taken
        count += 1
    return count
