"""Random changes of small worlds, built incrementally and compared with a full refresh after every sequence.

    python benchmarks/incremental.py [--sequences 20] [--changes 10] [--seed 1]

dbt runs in this process. Every change is loaded and built separately; the marts are compared at the end of a sequence,
and a difference is printed with the seed and the changes of its sequence."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from harness.dbt.dbt_builds import STORED, WITHOUT_TESTS, DbtBuilds
from harness.routine.changing_world import ChangingWorld


def run_sequence(builds: DbtBuilds, folder: Path, *, seed: int, changes: int) -> tuple[list[str], list[str]]:
    """Make changes to a world and build them; return the changes, and the differences at the end."""
    world = ChangingWorld(folder, seed=seed)
    builds.run(world.warehouse.file, "build", *WITHOUT_TESTS)
    names: list[str] = []
    for _ in range(changes):
        names += world.change()
        builds.run(world.warehouse.file, "run", *STORED)
    return names, builds.differences(world.warehouse.file)


def main() -> None:
    """Print every sequence with its result, and fail when one differs."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--sequences", type=int, default=20)
    arguments.add_argument("--changes", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        builds = DbtBuilds(Path(folder) / "dbt")
        for number in range(options.sequences):
            began = time.monotonic()
            seed = options.seed + number
            names, differences = run_sequence(
                builds, Path(folder) / str(number), seed=seed, changes=options.changes
            )
            failed += bool(differences)
            result = f"seed {seed}, {time.monotonic() - began:.0f} s: {differences or 'equal'}"
            print(f"{result} ({', '.join(names)})", flush=True)
    print(f"{options.sequences - failed} of {options.sequences} sequences of {options.changes} changes end equal")
    if failed:
        sys.exit(f"{failed} sequences differ from a full refresh")


if __name__ == "__main__":
    main()
