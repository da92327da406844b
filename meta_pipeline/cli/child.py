"""Run a module as a child of `up` that ends with it, also when `up` is killed.

    python -m meta_pipeline.cli.child FD MODULE [ARGUMENT…]

`up` holds the only write end of the pipe FD. Its end of file means that `up` has ended; then this process kills its
process group: itself, and the code servers and runs that Dagster started for it."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def end_with(pipe: int) -> None:
    """Kill this process group when the pipe has no writer left."""

    def wait() -> None:
        os.read(pipe, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name="end-with-up").start()


def main() -> None:
    """Run the module as `python -m` does."""
    pipe, module, *arguments = sys.argv[1:]
    end_with(int(pipe))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
