"""The shared budget: before a call it answers *go* or *wait*; after it, what the answer told is everybody's."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.graph.limits import (
    BLOCK_S,
    FULL_TIER_SCORE_BLOCK_S,
    WINDOW_S,
    Charge,
    closed_by,
    readings,
    tier_of,
)
from meta_pipeline.graph.pace import CEILING_PERCENT, FIRST_COST_PERCENT, Budget, blocked, told, wait_s
from meta_pipeline.graph.usage import SHORTEST_BLOCK_S, retry_after
from meta_pipeline.store import budgets
from meta_pipeline.store.processes import identity

# A reservation is a lease: longer than any call takes, so that a killed process of another host frees its own too.
LEASE = dt.timedelta(seconds=300)
# A waiter that has not looked again so long after it should have is gone.
GRACE = dt.timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may go: its reservation and the budgets it is charged to."""

    id: str
    charged: tuple[Charge, ...]
    operations: int


class SharedBudget:
    """One ledger in the control store for every process and host of this app.

    `longest_wait_s`: a call that would wait longer raises ThrottledError instead, and its worker is given back."""

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
        """Wait for the budget and reserve; ThrottledError with `retry_after` when it would take too long."""
        ticket, waited = secrets.token_hex(8), 0.0
        while True:
            pause, why = self._try(ticket, charged, operations, CEILING_PERCENT[purpose], is_queued=waited > 0)
            if pause <= 0:
                return Admission(ticket, charged, operations)
            if waited + pause > self._longest_wait_s:
                with self._engine.begin() as connection:
                    budgets.dequeue(connection, ticket)
                due = self._now() + dt.timedelta(seconds=pause)
                error = ThrottledError(f"Meta's limit {why} leaves no room before {due:%Y-%m-%d %H:%M:%S} UTC")
                error.retry_after = pause
                raise error
            self._sleep(pause)
            waited += pause

    def room(self, charged: tuple[Charge, ...], *, share_percent: float = 10.0) -> int:
        """How many operations take no more than a share of any of these budgets; at least one."""
        with self._engine.connect() as connection:
            known = budgets.read(connection, [charge.key(self._app_id) for charge in charged]).values()
        dearest = max((row["cost_percent"] for row in known), default=FIRST_COST_PERCENT)
        return max(1, int(share_percent / dearest)) if dearest > 0 else 1_000

    def settle(self, admission: Admission, usage: Mapping[str, Any] | None, limit: ThrottledError | None) -> None:
        """The call has ended; `usage` are its usage headers, None when no answer came; `limit` is the one it met."""
        now = self._now()
        keys = {charge: charge.key(self._app_id) for charge in admission.charged}
        with self._engine.begin() as connection:
            budgets.release(connection, admission.id)
            if usage is None:
                return
            known = self._known(connection, admission.charged)
            found = readings(usage, admission.charged)
            closed = closed_by(limit.code, limit.subcode, admission.charged) if limit is not None else None
            changed: dict[str, dict[str, Any]] = {}
            for charge, key in keys.items():
                budget = told(known[key], found.get(charge), operations=admission.operations, now=now)
                if charge == closed:
                    budget = blocked(
                        dataclasses.replace(budget, block_s=known[key].block_s), for_s=_length(charge, usage), now=now
                    )
                changed[key] = _values(budget)
            budgets.save(connection, changed)

    def _try(
        self, ticket: str, charged: tuple[Charge, ...], operations: int, ceiling: float, *, is_queued: bool
    ) -> tuple[float, str]:
        now = self._now()
        with self._engine.begin() as connection:
            # First, and given back where it was too early: something must be written before anything is read.
            keys = dict.fromkeys(charge.key(self._app_id) for charge in charged)
            budgets.reserve(
                connection, keys, id=ticket, operations=operations, holder=self._holder, expires_at=now + LEASE
            )
            known = self._known(connection, charged)
            flying = budgets.reserved_operations(connection, known, except_id=ticket, now=now)
            ahead = budgets.count_ahead(connection, known, ticket=ticket, now=now)
            waits = {
                key: wait_s(
                    budget, operations=operations, outstanding=flying[key], ceiling=ceiling, now=now,
                    ahead=ahead[key],
                )
                for key, budget in known.items()
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

    def _known(self, connection: sa.Connection, charged: tuple[Charge, ...]) -> dict[str, Budget]:
        fresh = {
            charge.key(self._app_id): _values(Budget(charge.key(self._app_id), WINDOW_S[charge.kind]))
            for charge in charged
        }
        return {key: Budget(**row) for key, row in budgets.read_locked(connection, fresh).items()}


_COLUMNS = tuple(column.name for column in dataclasses.fields(Budget) if column.name != "key")


def _values(budget: Budget) -> dict[str, Any]:
    return {name: getattr(budget, name) for name in _COLUMNS}


def _length(charge: Charge, usage: Mapping[str, Any]) -> float:
    """Seconds to stay away after a throttling error: what the headers say, else what is published for the limit."""
    said = retry_after(usage)
    if said > SHORTEST_BLOCK_S:
        return said
    if charge.kind == "score" and tier_of(usage) == "standard_access":
        return FULL_TIER_SCORE_BLOCK_S
    return max(said, BLOCK_S.get(charge.kind, SHORTEST_BLOCK_S))


