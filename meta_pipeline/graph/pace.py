"""When the next call may go, from what is known of one budget. Pure: no clock, no store."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from dataclasses import dataclass

from meta_pipeline.graph.limits import Reading

# From here on one call at a time: a call in flight when the block falls is a call while blocked (ours; §6.1).
ONE_AT_A_TIME_PERCENT = 75.0
# A backfill leaves this much to the daily run.
CEILING_PERCENT = {"daily": 95.0, "backfill": 85.0}
# What a call costs before two readings have told.
FIRST_COST_PERCENT = 2.0
# How long to look away from a budget that another call is about to tell about, seconds.
LOOK_S = 0.25
LONGEST_BLOCK_S = 3600.0
LOW_PERCENT = 25.0
# How often the guess of a steady refill is halved before it is left to the window to roll on.
SLOWEST = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What is known of one budget. `percent` is None until an answer has told; `answers` counts those that came."""

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
        """Percent in use now: the last reading less what has refilled since; slower after a guess was too good."""
        if self.percent is None or self.read_at is None:
            return 0.0
        age = max(0.0, (now - self.read_at).total_seconds())
        return max(0.0, self.percent - 100.0 * age / (self.window_s * 2.0**self.slowness))

    def rolls_on_in_s(self, now: dt.datetime) -> float:
        """Seconds until a rolling window lets go of what has been used since the budget was last low."""
        if self.low_at is None:
            return math.inf
        left = self.window_s - (now - self.low_at).total_seconds()
        return left if left > 0 else math.inf


def wait_s(
    budget: Budget, *, operations: int, outstanding: int, ahead: int, ceiling: float, now: dt.datetime
) -> float:
    """Seconds until a call of so many operations may go; 0 when it may go now. `outstanding`: operations in flight.
    `ahead`: how many wait longer for this budget; where there is room for them all, nobody waits for their turn."""
    if budget.blocked_until is not None and now < budget.blocked_until:
        return (budget.blocked_until - now).total_seconds()
    if budget.answers == 0 or budget.block_s:  # nothing known, or nothing since a block: one call finds out
        return LOOK_S if outstanding or ahead else 0.0
    if budget.percent is None:  # answers carry no figure: nothing to go by but errors
        return 0.0
    used = budget.drained(now)
    expected = used + (outstanding + operations) * budget.cost_percent
    if outstanding and expected > ONE_AT_A_TIME_PERCENT:
        return LOOK_S
    if expected > ceiling and used > 0:
        refill = (min(expected, used + 100) - ceiling) / 100.0 * budget.window_s * 2.0**budget.slowness
        return max(LOOK_S, min(refill, budget.rolls_on_in_s(now)))
    if ahead and expected + ahead * budget.cost_percent > min(ceiling, ONE_AT_A_TIME_PERCENT):
        return LOOK_S
    return 0.0


def told(budget: Budget, reading: Reading | None, *, operations: int, now: dt.datetime) -> Budget:
    """The budget after an answer: its figure, what a call costs, and whether it refills as fast as was thought."""
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
    most = (reading.percent + 0.5) / operations  # this answer's own calls are in its figure, which may be rounded
    if budget.percent is None:
        return dataclasses.replace(changed, cost_percent=min(budget.cost_percent, most))
    predicted = budget.drained(now) + operations * budget.cost_percent
    rise = max(0.0, reading.percent - budget.percent) / operations
    cost = min(most, max(rise, 0.9 * budget.cost_percent + 0.1 * rise))
    tolerance = max(1.0, 1.5 * operations * budget.cost_percent)
    if reading.percent > predicted + tolerance and budget.percent - budget.drained(now) > tolerance:
        slowness = min(SLOWEST, budget.slowness + 1)
    elif reading.percent <= predicted:
        slowness = 0 if reading.percent < predicted - tolerance else max(0, budget.slowness - 1)
    else:
        slowness = budget.slowness
    return dataclasses.replace(changed, cost_percent=cost, slowness=slowness)


def blocked(budget: Budget, *, for_s: float, now: dt.datetime) -> Budget:
    """The budget after a throttling error: closed for as long as Meta said, twice as long as the block before when it
    falls again at once."""
    length = min(LONGEST_BLOCK_S, max(for_s, 2 * budget.block_s))
    return dataclasses.replace(
        budget, percent=max(budget.percent or 0.0, 100.0), read_at=now, answers=budget.answers + 1,
        blocked_until=now + dt.timedelta(seconds=length), block_s=length,
    )
