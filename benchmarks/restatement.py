"""The calls of reading days again, for every taper and every way to plan that keep one promise, simulated.

    python benchmarks/restatement.py [--looks 2] [--ages 3,7,14,28]

The promise: a day of age 1–3 is at most 1 day stale, 4–7 at most 2, 8–14 at most 4, 15–28 at most 7, and every day is
read once more after it is stable. Calls are counted as Meta charges them: a report run costs its POST, its polls and
its pages; a small range is read synchronously and costs only its pages (`extract/planning/sizes.py`)."""

from __future__ import annotations

import argparse
import itertools

from harness.costs.taper_search import (
    DEFAULT,
    PAGES,
    PLANS,
    PROMISE,
    REPORTS,
    ROWS_A_DAY,
    Costs,
    calls_a_day,
    cheapest,
    least_calls,
    lengths_of,
    nested,
    spelled,
    tapers,
)
from meta_pipeline.extract.planning.restatement import parse_tiers

ONE_RANGE = ("one range", "the same in pieces")


def main() -> None:
    """Print calls a day of an account: for every way to plan the default, and the taper that is cheapest with it."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--looks", dest="polls", type=int, default=2, help="of a report run until it is done")
    arguments.add_argument("--ages", default="3,7,14,28", help="where a taper may step")
    options = arguments.parse_args()
    among = list(tapers([int(age) for age in options.ages.split(",")]))
    print(f"calls a day of an account with {REPORTS} reports; {len(among)} tapers keep {spelled(PROMISE)}; per plan:")
    print("with the default, with the cheapest taper; `floor`: no timetable of one range a day is below it")
    heads = [f"{name + (', floor' if name in ONE_RANGE else ''):<36}" for name in PLANS]
    print(f"{'page':>5} {'rows a day':>10} {'all 28 daily':>13}   " + "".join(heads))
    for page, rows in itertools.product(PAGES, ROWS_A_DAY):
        costs = Costs(rows, page, options.polls)
        daily = calls_a_day(lengths_of(parse_tiers("28:1"), nested, costs), costs)
        print(f"{page:>5} {rows:>10} {daily:>13.1f}   ", end="", flush=True)
        for name, plan in PLANS.items():
            default = calls_a_day(lengths_of(DEFAULT, plan, costs), costs)
            calls, tiers = cheapest(plan, costs, among)
            floor = f"{least_calls(plan, costs):.1f}" if name in ONE_RANGE else ""
            print(f"{f'{default:.1f} {calls:.1f} {spelled(tiers)} {floor}':<36}", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
