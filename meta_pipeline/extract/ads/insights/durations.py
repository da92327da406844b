"""Estimate how long a report run takes and when to poll it, and learn from those that have ended. No I/O.

Meta publishes no durations (docs/graph-api.md §2.9). The duration of one account's run is the first guess for every
other account of the app, so that from the second account on a run is rarely polled more than twice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.store.pulls.report_sizes import APP

# The weight of the newest run in the stored duration. A run that took longer counts for more, because a poll that is
# too early costs a call, and one that is too late costs only time.
LONGER, SHORTER = 0.6, 0.3
# A run that was done at its first poll may have been done earlier: the next first poll comes a little sooner.
SOONER = 0.9
# Seconds by which Meta's own times, which are whole seconds, may differ from ours.
CLOCK_SKEW_S = 2.0
# The first poll comes this much after the expected end: a poll that is too early is a wasted call.
MARGIN, MARGIN_S = 1.1, 0.3

# The first pause after a run was not done when it was expected, as a share of what was expected.
OVERDUE = 0.3
# Seconds between polls. Other projects start at 10 s and double it (docs/graph-api.md §2.9).
FIRST_POLL_S, LONGEST_POLL_S = 0.5, 10.0
# While one run is polled early to learn how long runs take, the others are first polled at this age in seconds.
UNKNOWN_FIRST_POLL_S = 20.0
STUCK_AFTER_S, STUCK_AFTER_TIMES = 900.0, 5.0

# Seconds by node id (or APP), report, and size class in days.
Durations = Mapping[tuple[str, str, int], float]


def size_class(days: int) -> int:
    """Return the size class of a number of days, which is the largest number in it: 1, 2, 4, 8, 16, 32, …"""
    return 1 << max(0, days - 1).bit_length()


def expected_s(stored: Durations, *, node_id: str, report: str, days: int) -> float | None:
    """Return the expected seconds of a report run over this many days: learned from this account and size, else from
    the app's accounts and this size, else from the nearest other size, else the mean of the app's other reports. None
    when no run has ended yet."""
    wanted = size_class(days)
    for owner in (node_id, APP):
        if (seconds := stored.get((owner, report, wanted))) is not None:
            return seconds
    for owner in (node_id, APP):
        sizes = {size: seconds for (node, name, size), seconds in stored.items() if (node, name) == (owner, report)}
        if sizes:
            return sizes[min(sizes, key=lambda size: abs(math.log2(size / wanted)))]
    others = [seconds for (node, _, _), seconds in stored.items() if node == APP]
    return sum(others) / len(others) if others else None


def first_poll_s(expected: float) -> float:
    """Return the age in seconds at which a run is polled first."""
    return expected * MARGIN + MARGIN_S


def pause_s(expected: float | None, *, age_s: float, polls: int) -> float:
    """Return the seconds until the next poll of a run that is still running after this many polls. Pauses grow with the
    expected duration, else with the age of the run, up to 10 s or half of the age, whichever is more."""
    pause = age_s if expected is None else OVERDUE * expected * 2.0 ** (polls - 1)
    return min(max(FIRST_POLL_S, pause), max(LONGEST_POLL_S, age_s / 2))


def stuck_after_s(expected: float | None) -> float:
    """Return how long a run may show the same progress before the same request is submitted again."""
    return max(STUCK_AFTER_S, STUCK_AFTER_TIMES * (expected or 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A report run that has ended. `age_s`: its age at the poll that saw it done; `running_at_s`: its age at the last
    poll that saw it running, None if there was none; `expected_s`: its expected duration, if that was known; `status`:
    the run's own fields."""

    age_s: float
    running_at_s: float | None
    expected_s: float | None
    status: Mapping[str, Any]

    @property
    def took_s(self) -> float:
        """Return the seconds that it took, by Meta's own times where they agree with the polls."""
        started, completed = self.status.get("time_ref"), self.status.get("time_completed")
        if isinstance(started, int) and isinstance(completed, int) and started and completed >= started:
            took = float(completed - started)
            if (self.running_at_s or 0.0) - CLOCK_SKEW_S <= took <= self.age_s + CLOCK_SKEW_S:
                return min(max(took, self.running_at_s or 0.0), self.age_s)
        if self.running_at_s is not None:
            return self.age_s
        return SOONER * min(self.age_s, self.expected_s or self.age_s)


def updated(
    stored: Durations, run: EndedRun, *, node_id: str, report: str, days: int
) -> dict[tuple[str, str, int], float]:
    """Return the durations that change with a run that has ended: of its account and of the app."""
    size, took = size_class(days), run.took_s
    changed = {}
    for owner in (node_id, APP):
        before = stored.get((owner, report, size))
        if before is None:
            changed[owner, report, size] = took
        else:
            changed[owner, report, size] = before + (LONGER if took > before else SHORTER) * (took - before)
    return changed
