"""Backfills killed at random moments: the marts are exact at the end, and no recorded report run is charged twice.

    python benchmarks/kills.py [--kills 50] [--seed 1]

The command line on a sandbox over HTTP. Every backfill is killed at moments from the whole time that a backfill takes
(start, landing, loading, dbt, publishing) until it ends by itself; then the sandbox's clock moves a day, so that
figures are restated, and the next backfill begins."""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.home import make_home
from harness.kills.backfilled_week import connect
from harness.kills.kills import IN_FLIGHT, Killing
from harness.kills.leftover_processes import left_after
from harness.sandbox import NOW, serving

# Kills of one backfill before it runs to its end: landed days stay, so later kills hit only loading and dbt.
MOST_EACH = 4


def one_backfill(killing: Killing, chance: random.Random, expected_s: float, most: int) -> Counter[str]:
    """Kill a backfill at most `most` times, then run it to its end; return the number of kills by phase."""
    phases: Counter[str] = Counter()
    while phases.total() < most:
        killing.start()
        if not killing.kill_after(chance.uniform(0.0, expected_s)):
            return phases
        phases[killing.phase()] += 1
    killing.finish()
    return phases


def main() -> None:
    """Print kills by phase, charged and recorded report runs, and whether every backfill ended with exact totals."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    chance = random.Random(options.seed)
    phases: Counter[str] = Counter()
    truths: list[bool] = []
    with tempfile.TemporaryDirectory() as folder, serving() as sandbox:
        killing = Killing(connect(make_home(Path(folder), sandbox)), sandbox)
        begun = time.monotonic()
        killing.finish()  # without a kill, to measure its time
        expected_s = time.monotonic() - begun
        truths.append(killing.is_true())
        for number in range(1, 1_000_000):
            left = options.kills - phases.total()
            if not left:
                break
            older = dt.datetime.fromisoformat(NOW) + number * dt.timedelta(days=1)
            sandbox.control("clock", {"now": older.isoformat()})
            killing.now = older
            now = one_backfill(killing, chance, expected_s, min(MOST_EACH, left))
            phases += now
            truths.append(killing.is_true())
            print(f"backfill {number}: {now.total()} kills {dict(now)}, truth {truths[-1]}", flush=True)
        left = left_after(killing.home)
    lost = sum(killing.unrecorded)
    print(f"\nan undisturbed backfill takes {expected_s:.0f} s; the kills are at random moments of this time")
    table = {
        "kills": phases.total(), "backfills": len(truths), "POSTs": killing.paid, "recorded": killing.recorded,
        "lost": lost, "most lost at a kill": f"{max(killing.unrecorded)} of {IN_FLIGHT}",
        "processes left": len(left), "truth": "yes" if all(truths) else "no",
    }
    print("  ".join(table))
    print("  ".join(str(value).rjust(len(name)) for name, value in table.items()))
    print("by phase: " + ", ".join(f"{name} {count}" for name, count in phases.most_common()))
    if left:
        sys.exit(f"processes outlive a backfill: {left}")
    if not all(truths):
        sys.exit("a backfill did not end with the exact totals")


if __name__ == "__main__":
    main()
