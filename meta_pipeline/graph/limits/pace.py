"""Compute when the next call may go, from the state of one budget. Pure: no clock, no store."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from dataclasses import dataclass

from meta_pipeline.graph.limits.rate_limits import UsageReading

# From here on one call at a time: a call that is in flight when the block starts counts as a call while blocked (our
# choice; docs/graph-api.md §6.1).
ONE_AT_A_TIME_PERCENT = 75.0
# A backfill leaves the rest to the daily run.
CEILING_PERCENT = {"daily": 95.0, "backfill": 85.0}
# The assumed cost of a call before two readings have shown it.
FIRST_COST_PERCENT = 2.0
# Seconds to wait for the result of another call before the budget is checked again.
RECHECK_S = 0.25
LONGEST_BLOCK_S = 3600.0
LOW_PERCENT = 25.0
# How often the assumed refill rate is halved; after that the end of the rolling window decides.
SLOWEST = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """The state of one budget. `percent` is None until a response has reported it; `answers` counts the responses.

    `cost_percent`: the learned cost of one operation; `slowness`: how often the assumed refill rate was halved;
    `block_s`: the length of the last block, 0 after a call has succeeded since."""

    key: str
    window_s: float
    percent: float | None = None
    read_at: dt.datetime | None = None
    low_at: dt.datetime | None = None
    answers: int = 0
    cost_percent: float = FIRST_COST_PERCENT
    slowness: int = 0
    blocked_until: dt.datetime | None = None
    block_s: float = 0.0

    def drained(self, now: dt.datetime) -> float:
        """Return the percent in use at `now`: the last reading minus the refill since then."""
        if self.percent is None or self.read_at is None:
            return 0.0
        age = max(0.0, (now - self.read_at).total_seconds())
        return max(0.0, self.percent - 100.0 * age / (self.window_s * 2.0**self.slowness))

    def window_ends_in_s(self, now: dt.datetime) -> float:
        """Return the seconds until all usage since the budget was last low leaves the window; inf if unknown."""
        if self.low_at is None:
            return math.inf
        left = self.window_s - (now - self.low_at).total_seconds()
        return left if left > 0 else math.inf


def wait_s(
    budget: Budget, *, operations: int, outstanding: int, ahead: int, ceiling: float, now: dt.datetime
) -> float:
    """Return the seconds until a call of `operations` may go; 0 when it may go now.

    `outstanding`: operations in flight. `ahead`: calls that have waited longer for this budget; they go first unless
    there is room for all. `ceiling`: the percent that this purpose may use."""
    if budget.blocked_until is not None and now < budget.blocked_until:
        return (budget.blocked_until - now).total_seconds()
    if budget.answers == 0 or budget.block_s:  # no reading yet, or none since a block: one call gets it
        return RECHECK_S if outstanding or ahead else 0.0
    if budget.percent is None:  # the responses have no usage headers: only an error shows that a limit is reached
        return 0.0
    used = budget.drained(now)
    expected = used + (outstanding + operations) * budget.cost_percent
    if outstanding and expected > ONE_AT_A_TIME_PERCENT:
        return RECHECK_S
    if expected > ceiling and used > 0:
        refill = (min(expected, used + 100) - ceiling) / 100.0 * budget.window_s * 2.0**budget.slowness
        return max(RECHECK_S, min(refill, budget.window_ends_in_s(now)))
    if ahead and expected + ahead * budget.cost_percent > min(ceiling, ONE_AT_A_TIME_PERCENT):
        return RECHECK_S
    return 0.0


def after_reading(budget: Budget, reading: UsageReading | None, *, operations: int, now: dt.datetime) -> Budget:
    """Return the budget after a response: its usage, the cost of a call, and how fast it refills."""
    if reading is None:
        return dataclasses.replace(budget, answers=budget.answers + 1, block_s=0.0)
    window_s = reading.window_s or budget.window_s
    blocked_until = budget.blocked_until
    if reading.regain_s > 0:
        until = now + dt.timedelta(seconds=reading.regain_s)
        blocked_until = max(until, blocked_until) if blocked_until else until
    changed = dataclasses.replace(
        budget, percent=reading.percent, read_at=now, answers=budget.answers + 1, window_s=window_s,
        blocked_until=blocked_until, block_s=0.0,
        low_at=now if reading.percent <= LOW_PERCENT or budget.low_at is None else budget.low_at,
    )
    highest_cost = (reading.percent + 0.5) / operations  # the reading includes this call, and may be rounded
    if budget.percent is None:
        return dataclasses.replace(changed, cost_percent=min(budget.cost_percent, highest_cost))
    predicted = budget.drained(now) + operations * budget.cost_percent
    rise = max(0.0, reading.percent - budget.percent) / operations
    cost = min(highest_cost, max(rise, 0.9 * budget.cost_percent + 0.1 * rise))
    tolerance = max(1.0, 1.5 * operations * budget.cost_percent)
    if reading.percent > predicted + tolerance and budget.percent - budget.drained(now) > tolerance:
        slowness = min(SLOWEST, budget.slowness + 1)
    elif reading.percent <= predicted:
        slowness = 0 if reading.percent < predicted - tolerance else max(0, budget.slowness - 1)
    else:
        slowness = budget.slowness
    return dataclasses.replace(changed, cost_percent=cost, slowness=slowness)


def after_throttle(budget: Budget, *, for_s: float, now: dt.datetime) -> Budget:
    """Return the budget after a throttling error: blocked for `for_s` seconds, or twice as long as the block before
    when no call succeeded in between."""
    length = min(LONGEST_BLOCK_S, max(for_s, 2 * budget.block_s))
    return dataclasses.replace(
        budget, percent=max(budget.percent or 0.0, 100.0), read_at=now, answers=budget.answers + 1,
        blocked_until=now + dt.timedelta(seconds=length), block_s=length,
    )
