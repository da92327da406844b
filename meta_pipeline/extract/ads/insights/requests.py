"""The parameters of requests for Ads Insights, and the pulls that they belong to. No I/O."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from meta_pipeline.digests import request_digest
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.insights.split_by_id import Part
from meta_pipeline.extract.planning.ranges import Range


def insights_request(report: Report, days: Range, part: Part | None = None) -> dict[str, Any]:
    """Return the parameters of `act_…/insights` for a report over a range, one row per key and day. With a `part`, only
    the rows of its campaigns, ad sets or ads are requested."""
    request: dict[str, Any] = {
        "level": report.level,
        "fields": list(report.fields),
        **_days(report, days),
    }
    if report.windows:
        request["action_attribution_windows"] = list(report.windows)
    if report.breakdowns:
        request["breakdowns"] = list(report.breakdowns)
    if report.action_breakdowns:
        request["action_breakdowns"] = list(report.action_breakdowns)
    filters: list[dict[str, Any]] = []
    if report.statuses:
        filters.append(
            {"field": f"{report.level}.effective_status", "operator": "IN", "value": list(report.statuses)}
        )
    if part is not None and part.ids:
        filters.append(part.rule(report.level))
    if filters:
        request["filtering"] = filters
    return request


def _days(report: Report, days: Range) -> dict[str, Any]:
    """Return the parameters with which every day of the range has its own rows. Windows overlap, so each is listed;
    Meta returns all of them in one report (docs/graph-api.md §2.1)."""
    if report.window is None:
        return {"time_range": _time_range(days.since, days.until), "time_increment": 1}
    return {"time_ranges": [_time_range(*report.span(day)) for day in days.days]}


def _time_range(since: dt.date, until: dt.date) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}


@dataclass(slots=True, kw_only=True)
class Pull:
    """One report of one node over the `requested` range, while it is read. `is_done`: its report run is known to be
    complete; `is_resumed`: an earlier process submitted it; `previous_run_id`: the run without progress that this one
    replaced; `percent` and `changed_at`: its last known progress, and when that was first seen."""

    report: Report
    node_id: str
    requested: Range
    request: dict[str, Any]
    report_run_id: str | None = None
    submitted_at: dt.datetime | None = None
    is_done: bool = False
    is_resumed: bool = False
    previous_run_id: str | None = None
    percent: int | None = None
    changed_at: dt.datetime | None = None

    @property
    def digest(self) -> str:
        """Return the digest that identifies exactly this request of this node."""
        return request_digest([self.node_id, self.request])
