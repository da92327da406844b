"""Workers and their child processes end with the parent process, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from meta_pipeline.store.coordination.processes import identity, is_gone, pid_of

# A worker of a pool starts a child process, and the parent is killed while both run.
PARENT = """
import os, signal, subprocess, sys
from meta_pipeline.processes.worker_pool import worker_pool

def work():
    child = subprocess.Popen(["sleep", "600"])
    return os.getpid(), child.pid

if __name__ == "__main__":
    with worker_pool(1) as pool:
        print(*pool.submit(work).result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_and_its_child_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        started = [identity(int(pid)) for pid in parent.stdout.readline().split()]
        parent.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end and not all(is_gone(process) for process in started):
        time.sleep(0.01)
    left = [pid for process in started if (pid := pid_of(process)) is not None]
    for pid in left:
        os.kill(pid, signal.SIGKILL)

    assert len(started) == 2 and left == []
