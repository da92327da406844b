"""Repeat a task in a thread beside a block of work; the thread ends with the block."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def beating(beat: Callable[[], object], *, every_s: float) -> Iterator[None]:
    """Call `beat` every `every_s` seconds until the block ends, then wait for a call that is still running. If a call
    raises, log the error and make the next call as usual."""
    is_over = threading.Event()

    def again() -> None:
        while not is_over.wait(every_s):
            beat_once(beat)

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def beat_once(beat: Callable[[], object]) -> None:
    """Call `beat`; log what it raises."""
    try:
        beat()
    except Exception as error:  # any error: a thread that ended here would lose the lease silently
        _log.warning("a periodic task failed and is tried again: %s", error)
