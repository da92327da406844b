"""The time limit of a query. The function that stops it is called from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self


class Cancellable(Protocol):
    """A call that is scheduled and can be cancelled."""

    def cancel(self) -> None:
        """Cancel the call."""


Scheduler = Callable[[float, Callable[[], None]], Cancellable]


def thread_timer(seconds: float, call: Callable[[], None]) -> Cancellable:
    """Schedule a call in `seconds`, from a thread that does not keep the process alive."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


class Deadline:
    """A block during which `stop` is called after `seconds` (None: never). `is_over`: it was called."""

    def __init__(self, seconds: float | None, stop: Callable[[], None], *, schedule: Scheduler = thread_timer) -> None:
        self.is_over = False
        self._seconds, self._stop, self._schedule = seconds, stop, schedule
        self._timer: Cancellable | None = None

    def __enter__(self) -> Self:
        if self._seconds is not None:
            self._timer = self._schedule(self._seconds, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        self._stop()
