"""End a process and everything that it has started when its parent ends.

A thread waits for the end of file of a pipe that only the parent can write to. It needs no polling, and notices a
killed parent on every system."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable


def kill_group_after(wait_for_parent: Callable[[], object]) -> None:
    """Start a thread that kills this process's group when `wait_for_parent` returns.

    The caller must lead its own process group: every process in the group is killed."""

    def wait_and_kill() -> None:
        wait_for_parent()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait_and_kill, daemon=True, name="end-with-parent").start()
