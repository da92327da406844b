"""A month of the daily routine on a sandbox with faults, compared with the sandbox's own totals.

Compares every report, level and breakdown, now and as of every read, and Pages and Instagram accounts as of their last
read.

    python benchmarks/truth.py [--days 30] [--ads 6] [--seed 1]

Simulated on a clock without waiting, in this process: the reads of `up`, day after day from 2026-10-20, across the ends
of summer time and with two accounts that move to another time zone. The marts are built every ten days and at the
end."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

from harness.routine.routine import Routine
from harness.routine.warehouse_comparison import WarehouseComparison

START = dt.date(2026, 10, 20)
MOVES = {
    "1000000002": {"at": "2026-11-03T02:00:00+00:00", "timezone": "America/New_York"},
    "1000000003": {"at": "2026-11-09T02:00:00+00:00", "timezone": "Asia/Tokyo"},
}
BUILT_EVERY = 10


def main() -> None:
    """Print the numbers of simulated reads and compared rows, and every difference."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--days", type=int, default=30)
    arguments.add_argument("--ads", type=int, default=6, help="of each account that delivers")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    wrong: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        routine = Routine(Path(folder), START, seed=options.seed, ads=options.ads, moves=MOVES)
        for number in range(1, options.days + 1):
            routine.one_day()
            if number % BUILT_EVERY and number < options.days:
                continue
            routine.build()
            comparison = WarehouseComparison(routine)
            wrong += comparison.everything()
            calls = sum(routine.graph.calls.values())
            print(
                f"day {number}: {len(routine.reads)} days of reports read in {calls} calls and {routine.tries} tries; "
                f"{comparison.rows} rows and {comparison.moments} moments of ad accounts and {comparison.node_rows} "
                f"rows of Pages and Instagram accounts compared, {len(wrong)} wrong, "
                f"{time.monotonic() - begun:.0f} s", flush=True,
            )
    for what, met in (("ad accounts", routine.met), ("Pages and Instagram", routine.nodes.met + routine.nodes.changed)):
        print(f"faults of {what}: " + ", ".join(f"{name} {count}" for name, count in met.most_common()))
    for sentence in wrong[:20]:
        print(sentence)
    if wrong:
        sys.exit(f"{len(wrong)} figures are not the sandbox's")


if __name__ == "__main__":
    main()
