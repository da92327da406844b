"""The calls of an ad account as Meta charges them: of a first backfill, and of every day after it. On the sandbox, in
this process, on a clock on which waiting costs nothing.

    python benchmarks/calls.py [--ads 120] [--days 30]

The world has as many rows as the one in which the other connectors were measured: every ad delivers every day and has
23 rows of breakdowns a day (86,400 rows in all at 120 ads and 30 days). An operation of a batch is a call. Every call
is counted: the account's own totals, report runs and their polls, pages, campaigns, ad sets, ads, creatives."""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from collections.abc import Sequence

from harness.costs.account_costs import BREAKDOWNS, GROWING, TWO, Cost, first_backfill, restatement


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ads", type=int, default=120)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    columns = [field.name for field in dataclasses.fields(Cost)]
    print(f"{'':<58}{'calls':>7}" + "".join(f"{name:>11}" for name in columns))
    for title, reports in (("ad and account", TWO), ("ad and account, 5 breakdowns", (*TWO, *BREAKDOWNS))):
        for page in (500, GROWING):
            cost = first_backfill(reports, ads=options.ads, days=options.days, largest_page=page)
            _row(f"first backfill, {title}, pages to {page}", cost.calls, dataclasses.astuple(cost))
    for page in (500, GROWING):
        cost = first_backfill(TWO, ads=options.ads, days=options.days, largest_page=page, world={})
        _row(f"the same, usual world, ad and account, pages to {page}", cost.calls, dataclasses.astuple(cost))
    for page in (500, GROWING):
        costs = restatement(ads=options.ads, days=options.days, largest_page=page)
        for word, of in (("mean", statistics.mean), ("worst", max)):
            figures = [of(getattr(cost, name) for cost in costs) for name in columns]
            _row(f"a day after it, pages to {page}, {word}", of(cost.calls for cost in costs), figures)


def _row(title: str, calls: float, figures: Sequence[float]) -> None:
    print(f"{title:<58}{calls:>7.4g}" + "".join(f"{figure:>11,.0f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
