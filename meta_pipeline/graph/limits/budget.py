"""The shared budget: decide before a call whether it may be sent or must wait, and record its usage headers after
it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.graph.limits.pace import (
    CEILING_PERCENT,
    FIRST_COST_PERCENT,
    Budget,
    after_reading,
    after_throttle,
    wait_s,
)
from meta_pipeline.graph.limits.rate_limits import (
    BLOCK_S,
    FULL_TIER_SCORE_BLOCK_S,
    WINDOW_S,
    Charge,
    closed_by,
    readings,
    tier_of,
)
from meta_pipeline.graph.limits.usage import SHORTEST_BLOCK_S, retry_after
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.gateway import budgets

# A reservation is a lease, longer than any call: that of a process that was killed on another host expires.
LEASE = dt.timedelta(seconds=300)
# A waiter that has not retried this long after it was due is gone.
GRACE = dt.timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was admitted: the id of its reservation and the budgets it is charged to."""

    id: str
    charged: tuple[Charge, ...]
    operations: int


class SharedBudget:
    """The budget of an app, shared by every process and host through the control store.

    A call that would wait longer than `longest_wait_s` raises ThrottledError instead, so that its worker is free for
    other work."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        app_id: str | None,
        now: Callable[[], dt.datetime],
        sleep: Callable[[float], None],
        longest_wait_s: float,
        holder: str | None = None,
    ) -> None:
        self._engine = engine
        self._app_id = app_id
        self._now = now
        self._sleep = sleep
        self._longest_wait_s = longest_wait_s
        self._holder = holder or identity()

    def admit(self, charged: tuple[Charge, ...], *, operations: int = 1, purpose: str = "daily") -> Admission:
        """Wait for the budget and reserve `operations` in it.

        Raise ThrottledError with `retry_after` (seconds) when the wait would be too long."""
        ticket, waited = secrets.token_hex(8), 0.0
        while True:
            pause, limiting_key = self._try(ticket, charged, operations, CEILING_PERCENT[purpose], is_queued=waited > 0)
            if pause <= 0:
                return Admission(ticket, charged, operations)
            if waited + pause > self._longest_wait_s:
                with self._engine.begin() as connection:
                    budgets.dequeue(connection, ticket)
                due = self._now() + dt.timedelta(seconds=pause)
                error = ThrottledError(f"Meta's limit {limiting_key} leaves no room before {due:%Y-%m-%d %H:%M:%S} UTC")
                error.retry_after = pause
                raise error
            self._sleep(pause)
            waited += pause

    def room(self, charged: tuple[Charge, ...], *, share_percent: float = 10.0) -> int:
        """Return how many operations cost at most a share of any of these budgets; at least one."""
        with self._engine.connect() as connection:
            rows = budgets.read(connection, [charge.key(self._app_id) for charge in charged]).values()
        highest_cost = max((row["cost_percent"] for row in rows), default=FIRST_COST_PERCENT)
        return max(1, int(share_percent / highest_cost)) if highest_cost > 0 else 1_000

    def settle(self, admission: Admission, usage: Mapping[str, Any] | None, limit: ThrottledError | None) -> None:
        """Release the reservation of a call that has ended and record what it reported.

        `usage`: its usage headers, None when there was no response; `limit`: its throttling error, if any."""
        now = self._now()
        keys = {charge: charge.key(self._app_id) for charge in admission.charged}
        with self._engine.begin() as connection:
            budgets.release(connection, admission.id)
            if usage is None:
                return
            stored = self._stored_budgets(connection, admission.charged)
            reported = readings(usage, admission.charged)
            closed = closed_by(limit.code, limit.subcode, admission.charged) if limit is not None else None
            changed: dict[str, dict[str, Any]] = {}
            for charge, key in keys.items():
                budget = after_reading(stored[key], reported.get(charge), operations=admission.operations, now=now)
                if charge == closed:
                    budget = after_throttle(
                        dataclasses.replace(budget, block_s=stored[key].block_s), for_s=_block_s(charge, usage), now=now
                    )
                changed[key] = _values(budget)
            budgets.save(connection, changed)

    def _try(
        self, ticket: str, charged: tuple[Charge, ...], operations: int, ceiling: float, *, is_queued: bool
    ) -> tuple[float, str]:
        now = self._now()
        with self._engine.begin() as connection:
            # Reserve first and release when it is too early: SQLite takes its write lock only at the first write.
            keys = dict.fromkeys(charge.key(self._app_id) for charge in charged)
            budgets.reserve(
                connection, keys, id=ticket, operations=operations, holder=self._holder, expires_at=now + LEASE
            )
            stored = self._stored_budgets(connection, charged)
            in_flight = budgets.reserved_operations(connection, stored, except_id=ticket, now=now)
            ahead = budgets.count_ahead(connection, stored, ticket=ticket, now=now)
            waits = {
                key: wait_s(
                    budget, operations=operations, outstanding=in_flight[key], ceiling=ceiling, now=now,
                    ahead=ahead[key],
                )
                for key, budget in stored.items()
            }
            longest = max(waits, key=lambda key: waits[key])
            if waits[longest] <= 0:
                if is_queued:
                    budgets.dequeue(connection, ticket)
            else:
                budgets.release(connection, ticket)
                budgets.enqueue(
                    connection, longest, ticket=ticket, holder=self._holder, now=now,
                    expires_at=now + dt.timedelta(seconds=waits[longest]) + GRACE,
                )
        return waits[longest], longest

    def _stored_budgets(self, connection: sa.Connection, charged: tuple[Charge, ...]) -> dict[str, Budget]:
        fresh = {
            charge.key(self._app_id): _values(Budget(charge.key(self._app_id), WINDOW_S[charge.kind]))
            for charge in charged
        }
        return {key: Budget(**row) for key, row in budgets.read_locked(connection, fresh).items()}


_COLUMNS = tuple(column.name for column in dataclasses.fields(Budget) if column.name != "key")


def _values(budget: Budget) -> dict[str, Any]:
    return {name: getattr(budget, name) for name in _COLUMNS}


def _block_s(charge: Charge, usage: Mapping[str, Any]) -> float:
    """Return the seconds to wait after a throttling error: from the headers, else the published value of the limit."""
    reported_s = retry_after(usage)
    if reported_s > SHORTEST_BLOCK_S:
        return reported_s
    if charge.kind == "score" and tier_of(usage) == "standard_access":
        return FULL_TIER_SCORE_BLOCK_S
    return max(reported_s, BLOCK_S.get(charge.kind, SHORTEST_BLOCK_S))


