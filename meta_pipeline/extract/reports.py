"""The record of a report of Pages, of Instagram accounts or of an activity log, and functions for these reports and
those of Ads Insights."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from meta_pipeline.extract.ads.catalogue import reports as ads
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.node_kinds import AD_ACCOUNT, NodeKind

DAYS_PER_MONTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """One report of a Page or an Instagram account, or the activity log of an ad account. `columns`: of its raw table,
    all text; `is_snapshot`: it shows the node at the time of the read and lands under that day, whatever days were
    requested; `history_days`: how far back Meta has data, for reports that are no snapshots; `is_default`: read when no
    report is named; `is_hourly`: its content is gone within a day, so a separate schedule reads it every hour."""

    name: str
    node_kind: NodeKind
    description: str
    columns: tuple[str, ...]
    is_snapshot: bool = False
    history_days: int = 0
    is_default: bool = True
    is_hourly: bool = False

    @property
    def level(self) -> str:
        """Return the name of the kind of node."""
        return self.node_kind.name

    @property
    def grain(self) -> str:
        """Return the period of a row, in words."""
        return "snapshot" if self.is_snapshot else "day"

    @property
    def history_months(self) -> int | None:
        """Return how many months back Meta has data; None for a snapshot, which has no history."""
        return None if self.is_snapshot else max(1, self.history_days // DAYS_PER_MONTH)

    def too_old(self, day: dt.date, today: dt.date) -> str | None:
        """Return why this day can't be read, both days on the node's calendar; None when it can."""
        if self.is_snapshot:
            if day == today:
                return None
            return f"{self.name} shows the state at the time of the read, so it has only today, not {day}"
        oldest = today - dt.timedelta(days=self.history_days)
        if day >= oldest:
            return None
        return f"Meta keeps {self.history_days} days of {self.name}, that is from {oldest} on: {day} is older"


AnyReport = Report | NodeReport
Reports = Mapping[str, AnyReport]


def kind_of(report: AnyReport) -> NodeKind:
    """Return the kind of node that a report is about."""
    return report.node_kind if isinstance(report, NodeReport) else AD_ACCOUNT


def is_snapshot(report: AnyReport) -> bool:
    """Check that a report has only the day on which it is read."""
    return isinstance(report, NodeReport) and report.is_snapshot


def is_hourly(report: AnyReport) -> bool:
    """Check that a separate schedule reads a report every hour."""
    return isinstance(report, NodeReport) and report.is_hourly


def too_old(report: AnyReport, day: dt.date, today: dt.date) -> str | None:
    """Return why Meta has no data of this day, both days on the node's own calendar; None when it has."""
    return report.too_old(day, today) if isinstance(report, NodeReport) else ads.too_old(report, day, today)


def default_names(reports: Reports, kind: NodeKind) -> tuple[str, ...]:
    """Return the names of the reports of a kind that are read when no report is named."""
    return tuple(name for name, report in reports.items() if report.is_default and kind_of(report) == kind)
