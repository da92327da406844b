"""The cost of partitions with few of them and with a hundred thousand.

    python benchmarks/partitions.py [--accounts 150] [--repeat 5]

Every account has a key for each day since the first partition. Prints medians and their ratio beside that of the keys:
the time of a run over thirty days of one account must not grow with the keys of the other accounts, that of a schedule
only with the number of accounts."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.partitions import DAYS, evaluate, keys_of, link, node_ids, run, settings_of
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.partitions import AD_ACCOUNTS, days_by_node
from meta_pipeline.defs.runs.console import silence_dagster


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the median seconds, after one run that does not count."""
    took = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def measured(accounts: int, repeat: int) -> dict[str, float]:
    """Return the seconds of everything that our code does with the keys of this number of accounts."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(settings_of(Path(folder)))
        link(runtime, accounts)
        keys = keys_of(accounts)
        with instance(runtime.settings, is_captured=False) as opened:
            opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), node_ids(accounts))
            return {
                "keys": float(len(keys)),
                "every key built": seconds(lambda: keys_of(accounts), repeat),
                "every key grouped by account": seconds(lambda: days_by_node(keys), repeat),
                "the schedule evaluated": seconds(lambda: evaluate(runtime), repeat),
                f"a run over {DAYS} days of one account": seconds(
                    lambda: run(opened, runtime, node_ids(accounts)[-1]), repeat),
            }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=150)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    silence_dagster()
    few, many = (measured(accounts, options.repeat) for accounts in (max(1, options.accounts // 100), options.accounts))
    print(f"{'':<38}{few['keys']:>12,.0f}{many['keys']:>12,.0f}{many['keys'] / few['keys']:>9.1f} ×")
    for name in few:
        if name != "keys":
            print(f"{name:<38}{few[name]:>10.3f} s{many[name]:>10.3f} s{many[name] / few[name]:>9.1f} ×")


if __name__ == "__main__":
    main()
