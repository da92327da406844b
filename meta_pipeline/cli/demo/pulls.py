"""The pulls of the demo: an earlier read of a few days, which Meta restates, and then every report as one backfill.

They run in their own process (`python -m meta_pipeline.cli.demo`), with the settings of the demo."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import requests

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import DaysAgo
from meta_pipeline.cli.backfill.run import BackfillResult, read_scope
from meta_pipeline.cli.backfill.scope import BackfillScope, BackfillTarget, resolve_scope
from meta_pipeline.cli.demo.run import DAYS, GATED_ACCOUNT
from meta_pipeline.cli.output import terminal
from meta_pipeline.flows.pulling.side_by_side import land_side_by_side
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.store.landed import read_times

BREAKDOWN_DAYS = 2
LEVELS = ("account_insights", "campaign_insights", "ad_set_insights", "ad_insights")
BREAKDOWNS = tuple(
    f"ad_insights_by_{name}" for name in ("demographics", "country", "region", "placement", "device", "hourly")
)
# Off by default: each needs further calls, and Meta fills the last two only for advertisers who opted in.
REACH = ("account_reach_7d", "campaign_reach_7d")
GATED = ("ad_insights_by_product", "ad_insights_by_impression_device")
# Not the account of the first look: the sandbox charged its calls at a later time than that of the early read.
EARLY_ACCOUNTS = ("act_1000000002", "act_1000000003")
EARLY_REPORTS = ("account_insights", "ad_insights")
EARLY_DAYS = range(6, 10)  # days ago
DAYS_EARLIER = 4  # days by which the clocks are set back for the early read


def run_pulls(runtime: Runtime, sandbox_url: str, *, now: dt.datetime) -> dict[str, Any]:
    """Read everything and leave the sandbox's clock at `now`; return the result as `backfill --json` prints it."""
    console = terminal.stderr()
    started_at = time.monotonic()
    seconds = {}
    if not read_times.last_read_by_node(runtime.engine):
        console.print(f"▸ earlier read: {len(EARLY_DAYS)} days as Meta reported them {DAYS_EARLIER} days ago")
        read_early(runtime, sandbox_url, now=now)
        seconds["earlier read"] = time.monotonic() - started_at
    console.print(
        f"▸ backfill: {DAYS} days of every ad account, Page and Instagram account, {BREAKDOWN_DAYS} by breakdown and 1 "
        "of reach, through Dagster"
    )
    result = read_all(runtime).as_json()
    return {**result, "seconds": {**seconds, **result["seconds"]}}


def read_early(runtime: Runtime, sandbox_url: str, *, now: dt.datetime) -> None:
    """Land a few days while the clocks are set back, here and in the sandbox: figures change later, as Meta's do."""
    earlier = now - dt.timedelta(days=DAYS_EARLIER)
    context = Runtime(runtime.settings, now=lambda: earlier).pull_context(
        run_id="earlier read", backfill_id="earlier-read", purpose="daily"
    )
    days = [now.date() - dt.timedelta(days=days_ago) for days_ago in EARLY_DAYS]
    _set_clock(sandbox_url, earlier)
    try:
        for _ in land_side_by_side({account: days for account in EARLY_ACCOUNTS}, EARLY_REPORTS, context=context):
            pass
    finally:
        _set_clock(sandbox_url, now)


def read_all(runtime: Runtime) -> BackfillResult:
    """Read all days of the levels and of all default reports of Pages and Instagram accounts, and a few days of the
    breakdowns and of reach, as one backfill."""
    console = terminal.stderr()
    organic = (*runtime.default_reports(PAGE), *runtime.default_reports(INSTAGRAM_ACCOUNT))
    targets: list[BackfillTarget] = []
    yesterday = DaysAgo(1)
    parts: tuple[tuple[DaysAgo, tuple[str, ...], tuple[str, ...]], ...] = (
        (DaysAgo(DAYS), LEVELS, ()), (DaysAgo(DAYS), organic, ()), (DaysAgo(BREAKDOWN_DAYS), BREAKDOWNS, ()),
        (yesterday, REACH, ()), (yesterday, GATED, (GATED_ACCOUNT,)),
    )
    for since, reports, nodes in parts:
        scope = resolve_scope(runtime, since, yesterday, nodes=nodes, reports=reports, console=console)
        targets.extend(scope.targets)
    names = (*LEVELS, *organic, *BREAKDOWNS, *REACH, *GATED)
    arguments = {
        "since": min(target.days.since for target in targets).isoformat(), "demo": True, "reports": list(names),
        "until": max(target.days.until for target in targets).isoformat(),
    }
    return read_scope(
        runtime, BackfillScope(tuple(targets), names, arguments), with_listings=False, is_fresh=True, console=console
    )


def _set_clock(sandbox_url: str, moment: dt.datetime) -> None:
    requests.post(f"{sandbox_url}/_sandbox/clock", json={"now": moment.isoformat()}, timeout=30).raise_for_status()
