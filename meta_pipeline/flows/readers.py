"""Results that are ready, read by a few threads: several reports of an account at once, one range of each at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from meta_pipeline.extract.ads.insights import Pull
from meta_pipeline.records import FailedDay, LandedFile, MetaPipelineError

Result = LandedFile | FailedDay
# Reports of one account that are read together, where the budget allows: it decides before every call.
READERS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Ready:
    """A pull that can be read, or the `error` because of which it can't."""

    pull: Pull
    error: MetaPipelineError | None = None


class Readers:
    """Threads that `read` what is ready, started when there is something to read and ended when there is nothing left.
    Two ranges of one report are never read at the same time, because a report's page size is learned page by page."""

    def __init__(
        self, read: Callable[[Ready], Iterator[Result]], *, at_once: int = READERS_AT_ONCE
    ) -> None:
        self._read = read
        self._at_once = at_once
        self._ready: list[Ready] = []
        self._busy: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._results: queue.SimpleQueue[Result | BaseException | None] = queue.SimpleQueue()
        self.is_closing = False

    @property
    def is_busy(self) -> bool:
        """Whether something is being read or waits to be read."""
        with self._lock:
            return bool(self._ready or self._busy)

    def add(self, ready: Ready) -> None:
        """Read this as soon as its report is free. Nothing begins before `start` or `take`."""
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

    def take(self) -> Ready | None:
        """Return what the caller may read itself; None when no report with something ready is free."""
        with self._lock:
            for at, ready in enumerate(self._ready):
                if ready.pull.report.name not in self._busy:
                    self._busy.add(ready.pull.report.name)
                    return self._ready.pop(at)
        return None

    def read(self, ready: Ready) -> Iterator[Result]:
        """Read what was taken, in this thread."""
        try:
            yield from self._read(ready)
        finally:
            self._release(ready)

    def results(self, *, block: bool) -> Iterator[Result]:
        """What threads have read so far; with `block`, wait until one of them has ended a pull. What one raised is
        raised."""
        while True:
            try:
                found = self._results.get(block=block)
            except queue.Empty:
                return
            if isinstance(found, BaseException):
                raise found
            if found is None:
                block = False
            else:
                yield found

    def drain(self) -> Iterator[Result]:
        """Begin nothing more, wait for what is being read, and yield it."""
        self._stop()
        for thread in self._threads:
            thread.join()
        while not self._results.empty():
            found = self._results.get()
            if isinstance(found, LandedFile | FailedDay):
                yield found

    def close(self) -> None:
        """Begin nothing more, and end what is being read at its next page."""
        self.is_closing = True
        for _ in self.drain():
            pass

    def _stop(self) -> None:
        with self._lock:
            self._ready.clear()

    def _release(self, ready: Ready) -> None:
        with self._lock:
            self._busy.discard(ready.pull.report.name)

    def _work(self, ready: Ready | None) -> None:
        while ready is not None:
            try:
                for result in self._read(ready):
                    self._results.put(result)
            except BaseException as error:
                self._results.put(error)
                self._stop()
            finally:
                self._release(ready)
                self._results.put(None)
            ready = self.take()
