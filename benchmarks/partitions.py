"""What partitions cost where there are few of them and where there are a hundred thousand.

    python benchmarks/partitions.py [--accounts 150] [--repeat 5]

Every account has a key a day since the partitions begin. Prints medians and their ratio beside that of the keys: a run
over thirty days of one account must not grow with the keys of all the others, a schedule only with the accounts."""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
from pydantic import SecretStr

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.assets.landing import insights_assets, land_entities
from meta_pipeline.defs.home import instance
from meta_pipeline.defs.jobs import pull_ads, pull_entities
from meta_pipeline.defs.partitions import AD_ACCOUNTS, FIRST_DAY, days_by_account, key, range_tags
from meta_pipeline.defs.runs.console import SILENT_CONSOLE, silence_dagster
from meta_pipeline.defs.runs.run_job import run_job
from meta_pipeline.defs.schedules import pull_ads_schedule
from meta_pipeline.flows import side_by_side
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.records import LandedFile, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAYS = 30


def node_ids(accounts: int) -> list[str]:
    """Return the ids of so many ad accounts."""
    return [f"act_{1_000_000_001 + n}" for n in range(accounts)]


def keys_of(accounts: int) -> list[str]:
    """Return every partition key of so many accounts."""
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range((NOW.date() - FIRST_DAY).days + 1)]
    return [str(key(node_id, day)) for node_id in node_ids(accounts) for day in days]


def settings_of(folder: Path) -> Settings:
    """Return the settings of a home of its own."""
    return Settings(home=folder, vault_keys=SecretStr(new_key()))


def landed(
    requested: Mapping[str, Sequence[dt.date]], reports: Sequence[str], *, context: PullContext
) -> Iterator[LandedFile]:
    """Stand in for the flow: every day has landed."""
    for node_id, days in requested.items():
        for day in days:
            yield LandedFile(report=reports[0], node_id=node_id, day=day, path="", rows=0, digest="", landed_at=NOW)


def run(opened: dg.DagsterInstance, runtime: Runtime, node_id: str) -> None:
    """Run thirty days of one account, all but the flow, as `backfill` does."""
    last = NOW.date()
    tags = range_tags(node_id, last - dt.timedelta(days=DAYS - 1), last)
    defs = dg.Definitions(
        assets=[insights_assets(runtime.catalogue), land_entities], jobs=[pull_ads, pull_entities],
        resources={"graph": object(), "tokens": object(), "runtime": runtime}, executor=dg.in_process_executor,
    )
    with patch.object(side_by_side, "land_side_by_side", landed):
        ended = run_job(
            opened, defs.resolve_job_def(pull_ads.name), assets=[landing_key("ad_insights")], tags=tags,
            run_config=SILENT_CONSOLE,
        )
    green = ended.asset_materializations_for_node("land_insights")
    if len(green) != DAYS:
        raise SystemExit(f"{len(green)} days are green, not {DAYS}")


def evaluate(runtime: Runtime) -> int:
    """Return how many runs the daily schedule requests."""
    with dg.build_schedule_context(scheduled_execution_time=NOW, resources={"runtime": runtime}) as context:
        requests: Any = pull_ads_schedule(context)
        return len(list(requests))


def link(runtime: Runtime, accounts: int) -> None:
    """Link the accounts."""
    zones = ("America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland", "Etc/UTC")
    save(runtime.engine, Discovery(tuple(
        NodeLink(
            kind="ad_account", id=node_id, name="A", access="owned", owner_business=None, tasks=(),
            timezone=zones[n % len(zones)], currency="EUR", token_ref="t",
        )
        for n, node_id in enumerate(node_ids(accounts))
    )), through="t", now=NOW)


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the median seconds, after one run that does not count."""
    took = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def measured(accounts: int, repeat: int) -> dict[str, float]:
    """Return the seconds of everything that our code does with the keys of so many accounts."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(settings_of(Path(folder)))
        link(runtime, accounts)
        keys = keys_of(accounts)
        with instance(runtime.settings, is_captured=False) as opened:
            opened.add_dynamic_partitions(str(AD_ACCOUNTS.name), node_ids(accounts))
            return {
                "keys": float(len(keys)),
                "every key built": seconds(lambda: keys_of(accounts), repeat),
                "every key grouped by account": seconds(lambda: days_by_account(keys), repeat),
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
