"""What is done again and again beside a block of work, by a thread that ends with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def beating(beat: Callable[[], object], *, every_s: float) -> Iterator[None]:
    """`beat` every so many seconds until the block ends; one that is under way then is waited for, and one that raises
    is the last."""
    is_over = threading.Event()

    def again() -> None:
        while not is_over.wait(every_s):
            beat()

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
