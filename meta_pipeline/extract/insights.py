"""What to ask for and when to look again: requests, ranges and polls, without I/O."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.extract.parts import Part
from meta_pipeline.extract.reports import Report
from meta_pipeline.records import MetaPipelineError

# A page of a listing; pages of insights grow (`sizes.py`).
PAGE_LIMIT = 500
# Peers poll at 10 s doubling; small accounts are done at once, so the first looks are quick (graph-api.md §2.9).
FIRST_POLL_S, LONGEST_POLL_S, GIVE_UP_S = 0.2, 10.0, 1800.0
# A run may take up to an hour, Meta's own retries included (graph-api.md §2.9); an older one is asked for anew.
STUCK_AFTER_S = 3600.0


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
    `is_picked_up`: an earlier process asked for it."""

    report: Report
    node_id: str
    asked: Range
    request: dict[str, Any]
    report_run_id: str | None = None
    submitted_at: dt.datetime | None = None
    is_done: bool = False
    is_picked_up: bool = False

    @property
    def digest(self) -> str:
        """The name of exactly this request."""
        return digest(self.node_id, self.request)


@dataclass(frozen=True, slots=True)
class Poll:
    """Look again after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Done:
    """The result may be read."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """No result will come of this run. `resubmit`: the same request may be tried once more."""

    reason: str
    resubmit: bool


def next_poll(status: Mapping[str, Any], *, pause: float, waited: float, age_s: float) -> Poll | Done | Abandoned:
    """What a report run's own fields mean. Success is `Job Completed` and 100 % together: 100 % is also seen while
    the run is still running, or failed (graph-api.md §2.9)."""
    state = status.get("async_status")
    if state == "Job Completed" and str(status.get("async_percent_completion")) == "100":
        return Done()
    if state in ("Job Failed", "Job Skipped"):
        told = status.get("error_user_msg") or status.get("error_message") or status.get("error_code")
        return Abandoned(f"Meta ended it as {state!r}" + (f": {told}" if told else ""), resubmit=True)
    if age_s >= STUCK_AFTER_S:
        return Abandoned(f"it is still {state!r} {age_s / 60:.0f} minutes after it was asked for", resubmit=True)
    if waited >= GIVE_UP_S:
        return Abandoned(f"it is still {state!r} after {waited:.0f} s; it is picked up by the next run", resubmit=False)
    return Poll(min(pause, LONGEST_POLL_S))
