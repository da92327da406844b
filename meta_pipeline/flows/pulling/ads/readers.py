"""A few threads that read results which are ready: several reports of an account at once, one range of each at a
time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from meta_pipeline.extract.ads.insights.requests import Pull
from meta_pipeline.records import FailedDay, LandedFile, MetaPipelineError

Result = LandedFile | FailedDay
# Reports of one account that are read together, where the budget allows: it decides before every call.
READERS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class ReadyPull:
    """A pull that can be read, or the `error` why it can't."""

    pull: Pull
    error: MetaPipelineError | None = None


class Readers:
    """Threads that call `read` for each pull that is ready; they start when there is something to read and end when
    nothing is left. Two ranges of one report are never read at the same time, because a report's page size is learned
    page by page."""

    def __init__(
        self, read: Callable[[ReadyPull], Iterator[Result]], *, at_once: int = READERS_AT_ONCE
    ) -> None:
        self._read = read
        self._at_once = at_once
        self._ready: list[ReadyPull] = []
        self._busy: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._results: queue.SimpleQueue[Result | BaseException | None] = queue.SimpleQueue()
        self.is_closing = False

    @property
    def is_busy(self) -> bool:
        """Return whether a pull is being read or waits to be read."""
        with self._lock:
            return bool(self._ready or self._busy)

    def add(self, ready: ReadyPull) -> None:
        """Queue a pull until its report is free. Nothing is read before `start` or `take`."""
        with self._lock:
            self._ready.append(ready)

    def start(self, *, spare: int) -> None:
        """Start as many threads as there are reports to read, less `spare`, which the caller reads itself."""
        with self._lock:
            waiting = {ready.pull.report.name for ready in self._ready} - self._busy
            count = min(self._at_once - len(self._busy), len(waiting)) - spare
        for _ in range(count):
            if (ready := self.take()) is None:
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            thread = threading.Thread(target=self._work, args=(ready,), name="reader", daemon=True)
            self._threads.append(thread)
            thread.start()

    def take(self) -> ReadyPull | None:
        """Return a pull for the caller to read itself; None when no report with a ready pull is free."""
        with self._lock:
            for index, ready in enumerate(self._ready):
                if ready.pull.report.name not in self._busy:
                    self._busy.add(ready.pull.report.name)
                    return self._ready.pop(index)
        return None

    def read(self, ready: ReadyPull) -> Iterator[Result]:
        """Read a pull that was taken, in this thread."""
        try:
            yield from self._read(ready)
        finally:
            self._release(ready)

    def results(self, *, block: bool) -> Iterator[Result]:
        """Yield what threads have read so far; with `block`, wait until one of them has finished a pull. Raise what a
        thread raised."""
        while True:
            try:
                result = self._results.get(block=block)
            except queue.Empty:
                return
            if isinstance(result, BaseException):
                raise result
            if result is None:
                block = False
            else:
                yield result

    def drain(self) -> Iterator[Result]:
        """Start nothing more, wait for what is being read, and yield it."""
        self._finish()
        while not self._results.empty():
            result = self._results.get()
            if isinstance(result, LandedFile | FailedDay):
                yield result

    def close(self) -> None:
        """Start nothing more, and stop what is being read at its next page."""
        self.is_closing = True
        self._finish()

    def _finish(self) -> None:
        self._discard_ready()
        for thread in self._threads:
            thread.join()

    def _discard_ready(self) -> None:
        with self._lock:
            self._ready.clear()

    def _release(self, ready: ReadyPull) -> None:
        with self._lock:
            self._busy.discard(ready.pull.report.name)

    def _work(self, ready: ReadyPull | None) -> None:
        while ready is not None:
            try:
                for result in self._read(ready):
                    self._results.put(result)
            except BaseException as error:
                self._results.put(error)
                self._discard_ready()
            finally:
                self._release(ready)
                self._results.put(None)
            ready = self.take()
