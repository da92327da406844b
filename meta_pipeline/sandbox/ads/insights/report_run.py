"""One report run: how it progresses from poll to poll (docs/graph-api.md §2.9)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.ads.insights.query import Query
from meta_pipeline.sandbox.ads.insights.rows import InsightsRow
from meta_pipeline.sandbox.protocol.versions import version_number
from meta_pipeline.sandbox.world.entities import Account

# Status and percentage; one stage shows 100 % while the run is still running, as Meta's runs do.
STAGES = (("Job Not Started", 0), ("Job Running", 60), ("Job Running", 100), ("Job Completed", 100))
_STUCK_STAGE, _FAILING_STAGE, _LAST_STAGE = 1, 2, 3
LATE_AFTER_S = 1200.0
# A run without a duration completes after four polls or after this time, whichever comes first.
DEFAULT_DURATION_S = 1.0
# With these outcomes no error ends the run.
_OUTCOMES_WITHOUT_ERROR = (None, "job_stuck", "job_late")


@dataclass(kw_only=True)
class ReportRun:
    """One asynchronous report.

    `outcome` overrides how it ends: job_failed, job_skipped, job_too_large, job_stuck, job_late (it makes no progress
    for twenty minutes and then completes). `duration_s` is on `clock`; None lets the number of polls decide as well.
    `missed_reads` is how many more reads report the run as unknown. `is_gate_open`: its breakdown is gated, and the
    account receives it.
    """

    id: str
    account: Account
    query: Query
    submitted_at: dt.datetime
    clock: Callable[[], dt.datetime]
    outcome: str | None = None
    duration_s: float | None = None
    polls: int = 0
    missed_reads: int = 0
    rows: list[InsightsRow] | None = field(default=None, repr=False)
    is_gate_open: bool = False

    def __post_init__(self) -> None:
        self._started_at = self.clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since submission, also while the sandbox shows a fixed time."""
        return (self.clock() - self._started_at).total_seconds()

    @property
    def stage(self) -> int:
        """Its progress as an index of STAGES."""
        if self.outcome == "job_stuck":
            return _STUCK_STAGE
        if self.outcome == "job_late":
            return _LAST_STAGE if self.elapsed_s >= LATE_AFTER_S else _STUCK_STAGE
        share = self.elapsed_s / (DEFAULT_DURATION_S if self.duration_s is None else self.duration_s)
        by_time = 3 if share >= 1 else 2 if share >= 0.9 else 1 if share >= 0.1 else 0
        return by_time if self.duration_s is not None else max(by_time, min(self.polls, _LAST_STAGE))

    @property
    def is_completed(self) -> bool:
        """True if its rows can be read."""
        return self.stage == _LAST_STAGE and self.outcome in (None, "job_late")

    def poll(self, version: str) -> dict[str, Any]:
        """Return the run's fields and count the poll."""
        stage = self.stage
        status, percent = STAGES[stage]
        if stage == _STUCK_STAGE and self.duration_s is not None and self.outcome is None:
            percent = int(100 * self.elapsed_s / self.duration_s)
        error: dict[str, Any] = {}
        if self.outcome not in _OUTCOMES_WITHOUT_ERROR and stage >= _FAILING_STAGE:
            status, percent = ("Job Skipped", 0) if self.outcome == "job_skipped" else ("Job Failed", 100)
            error = self._error(version)
        self.polls += 1
        started = int(self.submitted_at.timestamp())
        took_s = self.elapsed_s if self.duration_s is None else self.duration_s
        return {
            "id": self.id, "account_id": self.account.id, "time_ref": started,
            "time_completed": started + math.ceil(took_s) if status == "Job Completed" else 0, "async_status": status,
            "async_percent_completion": percent, "is_running": status == "Job Running",
            "date_start": self.query.periods[0][0].isoformat(), "date_stop": self.query.periods[-1][1].isoformat(),
            "error_code": None, "error_message": None, "error_subcode": None, "error_user_title": None,
            "error_user_msg": None, "level": self.query.level, **error,
        }

    def _error(self, version: str) -> dict[str, Any]:
        """Return the error fields; before v25.0 a failed run has only a code."""
        if self.outcome == "job_too_large":
            return {"error_code": -3, "error_subcode": 1504045, "error_message": "The report is too large"}
        if self.outcome != "job_failed":
            return {}
        if version_number(version) < version_number("v25.0"):
            return {"error_code": -2}
        return {
            "error_code": -2, "error_subcode": 2490547, "error_message": "The report run failed",
            "error_user_title": "Report failed", "error_user_msg": "Please try again",
        }
