"""Retry calls that failed with a transient error: a few times, with exponential backoff and jitter."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import TypeVar

from meta_pipeline.graph.errors import CallDeadlineError, GraphError, ThrottledError, TransientError, after_retries

TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
# No call is retried after this long, however many tries are left.
DEADLINE_S = 300.0
Sent = TypeVar("Sent")


class Retry:
    """The retry policy of one gateway. `has_budget`: its calls are admitted by a budget, which waits for a rate limit;
    without a budget a throttled call is not retried."""

    def __init__(
        self, *, now: Callable[[], dt.datetime], sleep: Callable[[float], None], has_budget: bool
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._has_budget = has_budget

    def persist(
        self,
        send: Callable[[], Sent],
        retry_on: tuple[type[GraphError], ...] = (TransientError, ThrottledError),
    ) -> Sent:
        """Return the result of `send`, which is called again after an error of `retry_on`.

        After a transient error it pauses, with backoff and jitter. After a throttling error the budget decides how long
        to wait, and raises when that is too long."""
        started, attempt = self._now(), 1
        limited: ThrottledError | None = None
        while True:
            try:
                return send()
            except retry_on as error:
                elapsed = (self._now() - started).total_seconds()
                # Raised by the budget, because the wait is too long.
                if isinstance(error, ThrottledError) and error.http_status is None:
                    if limited is None:
                        raise
                    limited.retry_after = error.retry_after
                    raise limited from None
                if attempt >= TRIES or elapsed > DEADLINE_S or isinstance(error, CallDeadlineError):
                    raise after_retries(error) from None
                if isinstance(error, ThrottledError):
                    if not self._has_budget:
                        raise
                    limited = error
                else:
                    self.pause(attempt)
            attempt += 1

    def pause(self, attempt: int) -> None:
        """Sleep before the try that follows `attempt` failures."""
        self._sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**attempt) * random.uniform(0.5, 1.0))
