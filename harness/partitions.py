"""Nodes and their partitions in a separate home, Dagster runs over them without the flow, and the schedules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
from dagster._core.execution.job_execution_result import JobExecutionResult
from pydantic import SecretStr

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs import schedules
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.assets.landing import STEPS, land_entities, landing_assets
from meta_pipeline.defs.jobs import PULLS, pull_entities
from meta_pipeline.defs.partitions import FIRST_DAY, key, range_tags
from meta_pipeline.defs.runs.console import SILENT_CONSOLE
from meta_pipeline.defs.runs.run_job import run_job
from meta_pipeline.extract.reports import is_snapshot
from meta_pipeline.flows.pulling import side_by_side
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, PACIFIC, PAGE, NodeKind
from meta_pipeline.records import FailedDay, LandedFile, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAYS = 30
FIRST_ID = {AD_ACCOUNT.name: 1_000_000_001, PAGE.name: 2_000_000_001, INSTAGRAM_ACCOUNT.name: 3_000_000_001}
# One report of days of each kind.
REPORT = {
    AD_ACCOUNT.name: "ad_insights", PAGE.name: "page_insights", INSTAGRAM_ACCOUNT.name: "instagram_insights",
}


def node_ids(count: int, kind: NodeKind = AD_ACCOUNT) -> list[str]:
    """Return the ids of `count` nodes of a kind."""
    prefix = "act_" if kind == AD_ACCOUNT else ""
    return [f"{prefix}{FIRST_ID[kind.name] + n}" for n in range(count)]


def keys_of(count: int, kind: NodeKind = AD_ACCOUNT) -> list[str]:
    """Return every partition key of `count` nodes."""
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range((NOW.date() - FIRST_DAY).days + 1)]
    return [str(key(node_id, day, kind)) for node_id in node_ids(count, kind) for day in days]


def settings_of(folder: Path) -> Settings:
    """Return the settings of a separate home."""
    return Settings(home=folder, vault_keys=SecretStr(new_key()))


def landed(
    requested: Mapping[str, Sequence[dt.date]], reports: Sequence[str], *, context: PullContext
) -> Iterator[LandedFile]:
    """Return results as the flow does when every day has landed, with a snapshot under today."""
    for node_id, days in requested.items():
        for report in reports:
            for day in [NOW.date()] if is_snapshot(context.reports[report]) else days:
                yield LandedFile(report=report, node_id=node_id, day=day, path="", rows=0, digest="", landed_at=NOW)


def run_reports(
    opened: dg.DagsterInstance, runtime: Runtime, kind: NodeKind, *, tags: Mapping[str, str], reports: Sequence[str],
    failed: Sequence[FailedDay] = (),
) -> JobExecutionResult:
    """Run the job of a kind over a range, all but the flow, as `backfill` does; `failed` days come after the others."""
    defs = dg.Definitions(
        assets=[*landing_assets(runtime.reports), land_entities], jobs=[*PULLS, pull_entities],
        resources={"graph": object(), "tokens": object(), "runtime": runtime}, executor=dg.in_process_executor,
    )

    def flow(*arguments: Any, **more: Any) -> Iterator[LandedFile | FailedDay]:
        yield from landed(*arguments, **more)
        yield from failed

    with patch.object(side_by_side, "land_side_by_side", flow):
        return run_job(
            opened, defs.resolve_job_def(kind.job), assets=[landing_key(name) for name in reports], tags=tags,
            run_config=SILENT_CONSOLE,
        )


def run(
    opened: dg.DagsterInstance, runtime: Runtime, node_id: str, kind: NodeKind = AD_ACCOUNT, *, days: int = DAYS
) -> None:
    """Run the last days of one node."""
    last = NOW.date()
    ended = run_reports(
        opened, runtime, kind, tags=range_tags(node_id, last - dt.timedelta(days=days - 1), last, kind),
        reports=[REPORT[kind.name]],
    )
    green = ended.asset_materializations_for_node(STEPS[kind.name])
    if len(green) != days:
        raise SystemExit(f"{len(green)} days are green, not {days}")


def requests_of(runtime: Runtime, schedule: str = "pull_ads_schedule", *, now: dt.datetime = NOW) -> list[Any]:
    """Return what a tick of a schedule requests, or the reason why it requests nothing."""
    with dg.build_schedule_context(scheduled_execution_time=now, resources={"runtime": runtime}) as context:
        evaluated: Any = getattr(schedules, schedule)(context)
        return list(evaluated)


def evaluate(runtime: Runtime) -> int:
    """Return how many runs the daily schedule requests."""
    return len(requests_of(runtime))


def link(runtime: Runtime, count: int, kind: NodeKind = AD_ACCOUNT) -> None:
    """Link `count` more nodes of a kind."""
    zones = ("America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland", "Etc/UTC")
    links = tuple(
        NodeLink(
            kind=kind.name, id=node_id, name="A", access="owned", owner_business=None, tasks=(),
            timezone=zones[n % len(zones)] if kind == AD_ACCOUNT else PACIFIC, currency="EUR", token_ref="t",
        )
        for n, node_id in enumerate(node_ids(count, kind))
    )
    save(runtime.engine, Discovery((*list_links(runtime.engine), *links)), through="t", now=NOW)
