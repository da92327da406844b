"""Run a module as a child of `up` that ends with it, even if `up` is killed.

    python -m meta_pipeline.processes.child FD MODULE [ARGUMENT…]

`up` holds the only write end of the pipe FD. The code servers and runs that Dagster started for this process end with
it."""

from __future__ import annotations

import os
import runpy
import sys

from meta_pipeline.processes.parent_death import kill_group_after


def main() -> None:
    """Run the module as `python -m` does."""
    pipe, module, *arguments = sys.argv[1:]
    kill_group_after(lambda: os.read(int(pipe), 1))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
