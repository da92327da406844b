"""Interpret the fields of a report run: it is running, its result can be read, or no result is expected. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.records import MetaPipelineError

# One process polls a run that makes progress for this long; the next one resumes it (docs/graph-api.md §2.9).
GIVE_UP_S = 1800.0


class ReportRunError(MetaPipelineError):
    """A report run ended without a result; the message names the run and the reason."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """No result is expected of this run. `is_stuck`: Meta has not ended it, so it may still complete; `resubmit`: the
    same request may be submitted once more."""

    reason: str
    resubmit: bool
    is_stuck: bool = False


def is_completed(status: Mapping[str, Any]) -> bool:
    """Check that a run's result can be read: `Job Completed` and 100 % together, because 100 % is also seen while it is
    still running, or failed (docs/graph-api.md §2.9)."""
    return status.get("async_status") == "Job Completed" and str(status.get("async_percent_completion")) == "100"


def outcome_of(
    status: Mapping[str, Any], *, unchanged_s: float, stuck_after_s: float, watched_s: float
) -> Done | Abandoned | None:
    """Return what a report run's own fields mean: its end, or None while it is running. `unchanged_s`: how long it has
    shown the same progress; `watched_s`: how long this process has polled it."""
    state = status.get("async_status")
    if is_completed(status):
        return Done()
    if state in ("Job Failed", "Job Skipped"):
        detail = status.get("error_user_msg") or status.get("error_message") or status.get("error_code")
        return Abandoned(reason=f"Meta ended it as {state!r}" + (f": {detail}" if detail else ""), resubmit=True)
    if unchanged_s >= stuck_after_s:
        percent = status.get("async_percent_completion")
        return Abandoned(
            reason=f"it is {state!r} at {percent} % without progress for {unchanged_s / 60:.0f} minutes", resubmit=True,
            is_stuck=True,
        )
    if watched_s >= max(GIVE_UP_S, 2 * stuck_after_s):
        return Abandoned(
            reason=f"it is still {state!r} after {watched_s / 60:.0f} minutes; the next run resumes it",
            resubmit=False, is_stuck=True,
        )
    return None
