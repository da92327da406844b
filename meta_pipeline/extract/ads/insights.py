"""What to ask for and what a report run's fields mean: requests, ranges and polls, without I/O."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.extract.ads.parts import Part
from meta_pipeline.extract.ads.reports import Report
from meta_pipeline.records import MetaPipelineError

# A page of a listing; pages of insights grow (`sizes.py`).
PAGE_LIMIT = 500
# A run that makes progress is waited for that long by one process; the next one picks it up (graph-api.md §2.9).
GIVE_UP_S = 1800.0


class ReportRunError(MetaPipelineError):
    """A report run ended without a result; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Range:
    """Contiguous days, both inclusive."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Every day of the range, in order."""
        return tuple(self.since + dt.timedelta(days=n) for n in range((self.until - self.since).days + 1))

    def cut(self, longest: int) -> list[Range]:
        """The same in ranges of about equal length, none longer than that."""
        days = self.days
        count = -(-len(days) // longest)
        bounds = [len(days) * n // count for n in range(count + 1)]
        return [Range(days[a], days[b - 1]) for a, b in itertools.pairwise(bounds)]

    def halves(self) -> tuple[Range, Range]:
        """The two halves of a range of at least two days."""
        middle = self.since + (self.until - self.since) // 2
        return Range(self.since, middle), Range(middle + dt.timedelta(days=1), self.until)


def ranges(days: Iterable[dt.date]) -> list[Range]:
    """The contiguous ranges that cover exactly `days`."""
    ordered = sorted(set(days))
    groups = itertools.groupby(enumerate(ordered), key=lambda at: at[1].toordinal() - at[0])
    return [Range(found[0], found[-1]) for found in ([day for _, day in group] for _, group in groups)]


def insights_request(report: Report, asked: Range, part: Part | None = None) -> dict[str, Any]:
    """The parameters of `act_…/insights` for a report over a range, one row per key and day; of a part of its things
    only when one is given."""
    request: dict[str, Any] = {
        "level": report.level,
        "fields": list(report.fields),
        **_days(report, asked),
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


def _days(report: Report, asked: Range) -> dict[str, Any]:
    """Every day of the range as rows of its own. Windows overlap, so each is named; Meta answers all of them in one
    report (graph-api.md §2.1)."""
    if report.window is None:
        return {"time_range": _time_range(asked.since, asked.until), "time_increment": 1}
    return {"time_ranges": [_time_range(*report.span(day)) for day in asked.days]}


def _time_range(since: dt.date, until: dt.date) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}


def digest(node_id: str, request: Mapping[str, Any]) -> str:
    """A name for exactly this request of this node."""
    text = json.dumps([node_id, request], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(slots=True)
class Pull:
    """One report of one node over one range, on its way. `is_done`: its report run is known to be complete;
    `is_picked_up`: an earlier process asked for it; `previous_run_id`: the run without progress that this one replaced;
    `percent` and `changed_at`: the progress that was seen last, and when it was first seen."""

    report: Report
    node_id: str
    asked: Range
    request: dict[str, Any]
    report_run_id: str | None = None
    submitted_at: dt.datetime | None = None
    is_done: bool = False
    is_picked_up: bool = False
    previous_run_id: str | None = None
    percent: int | None = None
    changed_at: dt.datetime | None = None

    @property
    def digest(self) -> str:
        """The name of exactly this request."""
        return digest(self.node_id, self.request)


@dataclass(frozen=True, slots=True)
class Done:
    """The result may be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """No result is expected of this run. `is_stuck`: Meta has not ended it, so it may still complete; `resubmit`: the
    same request may be tried once more."""

    reason: str
    resubmit: bool
    is_stuck: bool = False


def is_completed(status: Mapping[str, Any]) -> bool:
    """Check that a run's result can be read: `Job Completed` and 100 % together, because 100 % is also seen while it is
    still running, or failed (graph-api.md §2.9)."""
    return status.get("async_status") == "Job Completed" and str(status.get("async_percent_completion")) == "100"


def state_of(
    status: Mapping[str, Any], *, unchanged_s: float, stuck_after_s: float, watched_s: float
) -> Done | Abandoned | None:
    """Return what a report run's own fields mean: its end, or None while it is running. `unchanged_s`: how long it has
    shown the same progress; `watched_s`: how long this process has polled it."""
    state = status.get("async_status")
    if is_completed(status):
        return Done()
    if state in ("Job Failed", "Job Skipped"):
        told = status.get("error_user_msg") or status.get("error_message") or status.get("error_code")
        return Abandoned(reason=f"Meta ended it as {state!r}" + (f": {told}" if told else ""), resubmit=True)
    if unchanged_s >= stuck_after_s:
        percent = status.get("async_percent_completion")
        return Abandoned(
            reason=f"it is {state!r} at {percent} % without progress for {unchanged_s / 60:.0f} minutes", resubmit=True,
            is_stuck=True,
        )
    if watched_s >= max(GIVE_UP_S, 2 * stuck_after_s):
        return Abandoned(
            reason=f"it is still {state!r} after {watched_s / 60:.0f} minutes; it is picked up by the next run",
            resubmit=False, is_stuck=True,
        )
    return None
