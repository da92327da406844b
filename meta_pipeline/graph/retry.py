"""Trouble that passes: what failed for a moment is sent again, a few times, each a little later."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import TypeVar

from meta_pipeline.graph.errors import CallDeadlineError, GraphError, ThrottledError, TransientError, reduced

TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
# No call is tried again after so long, whatever is left of its tries.
DEADLINE_S = 300.0
Sent = TypeVar("Sent")


class Retry:
    """How one gateway goes on after trouble. `has_budget`: its calls are let in by a budget, which waits for a limit
    to be free again; without one nobody does."""

    def __init__(
        self, *, now: Callable[[], dt.datetime], sleep: Callable[[float], None], has_budget: bool
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._has_budget = has_budget

    def persist(
        self,
        send: Callable[[], Sent],
        passes: tuple[type[GraphError], ...] = (TransientError, ThrottledError),
    ) -> Sent:
        """Send again what failed for a moment: back off with jitter; after a limit the budget says when, if soon."""
        started, attempt = self._now(), 1
        limited: ThrottledError | None = None
        while True:
            try:
                return send()
            except passes as error:
                elapsed = (self._now() - started).total_seconds()
                if isinstance(error, ThrottledError) and error.http_status is None:  # the budget says wait too long
                    if limited is None:
                        raise
                    limited.retry_after = error.retry_after
                    raise limited from None
                if attempt >= TRIES or elapsed > DEADLINE_S or isinstance(error, CallDeadlineError):
                    raise reduced(error) from None
                if isinstance(error, ThrottledError):
                    if not self._has_budget:
                        raise
                    limited = error
                else:
                    self.nap(attempt)
            attempt += 1

    def nap(self, attempt: int) -> None:
        """Sleep as long as befits what has failed so many times."""
        self._sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**attempt) * random.uniform(0.5, 1.0))
