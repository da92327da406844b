"""How much of a node's days is asked for at once: planned by what is known to come back, learned as it comes."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from meta_pipeline.extract.ads import durations
from meta_pipeline.extract.ads.durations import EndedRun
from meta_pipeline.extract.ads.insights import Pull, Range, ranges
from meta_pipeline.extract.ads.reports import Report
from meta_pipeline.extract.ads.sizes import SYNCHRONOUS_DAYS, Sizes
from meta_pipeline.store import report_sizes
from meta_pipeline.store.report_sizes import APP


@dataclass(frozen=True, slots=True)
class Planner:
    """What is known of the sizes of one node's reports. Read once, so that what another process learns of the same
    account meanwhile is learned again. `largest_page` of insights, rows."""

    node_id: str
    engine: sa.Engine
    now: Callable[[], dt.datetime]
    largest_page: int
    known: dict[str, Sizes] = field(default_factory=dict)

    def of(self, report: Report) -> Sizes:
        """What is known of a report; whoever learns from an answer changes it, and `keep` writes it down."""
        if (known := self.known.get(report.name)) is None:
            known = sizes_of(self.engine, report.name, self.node_id, largest_page=self.largest_page, now=self.now())
            self.known[report.name] = known
        return known

    def keep(self, report: Report) -> None:
        """What is known of a report is written down."""
        keep_sizes(self.engine, report.name, self.node_id, self.of(report))

    def ranges(self, report: Report, days: Iterable[dt.date]) -> list[Range]:
        """What to ask for: as few ranges as the days allow and as long as is known to come back."""
        return planned(self.of(report), days, most=report.most_days)

    def needs_a_report_run(self, report: Report, asked: Range) -> bool:
        """Whether the range is more than is read at once."""
        sizes = self.of(report)
        return report.gate is not None or not sizes.is_synchronous(len(asked.days), rows_per_day=report.rows_per_day)

    def may_come_as_a_report_run(self, pull: Pull) -> bool:
        """Whether a range that was too much to be read at once is worth a report run; then it is not read at once
        again."""
        if pull.report_run_id is not None or len(pull.asked.days) <= SYNCHRONOUS_DAYS:
            return False
        self.of(pull.report).sync_was_refused(len(pull.asked.days), self.now())
        self.keep(pull.report)
        return True

    def was_too_much(self, report: Report, asked: Range) -> None:
        """The next plan does not ask for so much at once."""
        self.of(report).range_was_refused(len(asked.days), self.now())
        self.keep(report)

    def run_s(self, report: Report, asked: Range) -> float | None:
        """Return the seconds that a report run is expected to take; None when none of the app has ended yet."""
        known = report_sizes.durations(self.engine, node_id=self.node_id)
        return durations.expected_s(known, node_id=self.node_id, report=report.name, days=len(asked.days))

    def run_ended(self, report: Report, asked: Range, run: EndedRun) -> None:
        """Store what a report run that has ended teaches, for this account and for the app."""
        known = report_sizes.durations(self.engine, node_id=self.node_id)
        changed = durations.learned(known, run, node_id=self.node_id, report=report.name, days=len(asked.days))
        report_sizes.put_durations(self.engine, changed)


# What says how large a page may be; an account that is read first begins with what the app's other accounts learned.
PAGE_SIZES = ("page", "page_refused", "page_succeeded", "refused_at")


def sizes_of(
    engine: sa.Engine, report: str, node_id: str, *, largest_page: int, now: dt.datetime
) -> Sizes:
    """Return what was learned of a report or a listing of an account; of one that was never read, the page size that
    other accounts learned."""
    known = report_sizes.get(engine, node_id=node_id, report=report)
    if not known:
        of_app = report_sizes.get(engine, node_id=APP, report=report)
        known = {name: of_app[name] for name in PAGE_SIZES} if of_app else {}
    return Sizes(largest_page, **known).believed(now)


def keep_sizes(engine: sa.Engine, report: str, node_id: str, sizes: Sizes) -> None:
    """Store what was learned of a report or a listing of an account, and its page size for the app's other
    accounts."""
    known = dataclasses.asdict(sizes)
    report_sizes.put(engine, node_id=node_id, report=report, sizes=known)
    if sizes.page_succeeded is not None or sizes.page_refused is not None:
        nothing = dict.fromkeys(report_sizes.COLUMNS)
        report_sizes.put(engine, node_id=APP, report=report, sizes=nothing | {name: known[name] for name in PAGE_SIZES})


def planned(sizes: Sizes, days: Iterable[dt.date], *, most: int | None = None) -> list[Range]:
    """What to ask for: as few ranges as the days and the request allow, and as long as is known to come back."""
    return [
        cut for asked in ranges(days)
        for cut in asked.cut(min(sizes.longest_range(len(asked.days)), most or len(asked.days)))
    ]
