"""Plan how much of a node's insights to request at once, and learn from each response."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.insights import durations
from meta_pipeline.extract.ads.insights.durations import EndedRun
from meta_pipeline.extract.ads.insights.requests import Pull
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.sizes import SYNCHRONOUS_DAYS, Sizes, plan_ranges
from meta_pipeline.extract.planning.stored_sizes import load_sizes, store_sizes
from meta_pipeline.store.pulls import report_sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans the requests of one node's reports. Sizes are loaded once: what another process learns about the same node
    meanwhile is not used. `largest_page`: of insights, in rows."""

    node_id: str
    engine: sa.Engine
    now: Callable[[], dt.datetime]
    largest_page: int
    _sizes: dict[str, Sizes] = field(default_factory=dict)

    def sizes(self, report: Report) -> Sizes:
        """Return the sizes learned for a report; the caller changes them with each answer and stores them."""
        if (sizes := self._sizes.get(report.name)) is None:
            sizes = load_sizes(self.engine, report.name, self.node_id, largest_page=self.largest_page, now=self.now())
            self._sizes[report.name] = sizes
        return sizes

    def store(self, report: Report) -> None:
        """Store the sizes learned for a report."""
        store_sizes(self.engine, report.name, self.node_id, self.sizes(report))

    def plan(self, report: Report, days: Iterable[dt.date]) -> list[Range]:
        """Return as few ranges as the days allow, each as long as is known to succeed."""
        return plan_ranges(self.sizes(report), days, most=report.most_days)

    def needs_report_run(self, report: Report, requested: Range) -> bool:
        """Check that the range is too large for a synchronous read, or that its report is gated."""
        sizes, days = self.sizes(report), len(requested.days)
        return report.gate is not None or not sizes.is_synchronous(days, rows_per_day=report.rows_per_day)

    def refuse_synchronous(self, pull: Pull) -> bool:
        """Learn that a pull was too much for a synchronous read; return False when a report run is no alternative: the
        pull was one already, or the range is too short for one."""
        if pull.report_run_id is not None or len(pull.requested.days) <= SYNCHRONOUS_DAYS:
            return False
        self.sizes(pull.report).sync_was_refused(len(pull.requested.days), self.now())
        self.store(pull.report)
        return True

    def refuse_range(self, report: Report, requested: Range) -> None:
        """Learn that a range was too much: the next plan has shorter ones."""
        self.sizes(report).range_was_refused(len(requested.days), self.now())
        self.store(report)

    def expected_run_s(self, report: Report, requested: Range) -> float | None:
        """Return the seconds that a report run is expected to take; None when no run of the app has ended yet."""
        stored = report_sizes.durations(self.engine, node_id=self.node_id)
        return durations.expected_s(stored, node_id=self.node_id, report=report.name, days=len(requested.days))

    def learn_duration(self, report: Report, requested: Range, run: EndedRun) -> None:
        """Learn from a report run that has ended, for this node and for the app."""
        stored = report_sizes.durations(self.engine, node_id=self.node_id)
        changed = durations.updated(stored, run, node_id=self.node_id, report=report.name, days=len(requested.days))
        report_sizes.put_durations(self.engine, changed)
