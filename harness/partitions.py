"""Ad accounts and their partitions in a home of its own, Dagster runs over them without the flow, and the schedule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
from pydantic import SecretStr

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.assets.landing import insights_assets, land_entities
from meta_pipeline.defs.jobs import pull_ads, pull_entities
from meta_pipeline.defs.partitions import FIRST_DAY, key, range_tags
from meta_pipeline.defs.runs.console import SILENT_CONSOLE
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


def run(opened: dg.DagsterInstance, runtime: Runtime, node_id: str, *, days: int = DAYS) -> None:
    """Run the last days of one account, all but the flow, as `backfill` does."""
    last = NOW.date()
    tags = range_tags(node_id, last - dt.timedelta(days=days - 1), last)
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
    if len(green) != days:
        raise SystemExit(f"{len(green)} days are green, not {days}")


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
