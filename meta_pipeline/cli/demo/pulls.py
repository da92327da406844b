"""The pulls of the demo: an earlier read of a few days, which Meta restates, and then every report as one backfill.

In a process of its own, because its settings come from the environment: `python -m meta_pipeline.cli.demo.pulls`."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from typing import Any

import requests

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import DaysAgo
from meta_pipeline.cli.backfill.run import Ended, read
from meta_pipeline.cli.backfill.scope import BackfillTarget, resolve_targets
from meta_pipeline.cli.demo.run import DAYS, GATED_ACCOUNT
from meta_pipeline.cli.output import terminal
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.flows.side_by_side import land_side_by_side
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store import read_times

BREAKDOWN_DAYS = 2
LEVELS = ("account_insights", "campaign_insights", "ad_set_insights", "ad_insights")
BREAKDOWNS = tuple(
    f"ad_insights_by_{name}" for name in ("demographics", "country", "region", "placement", "device", "hourly")
)
# Off by default: each costs calls of its own, and Meta gives the last two only to advertisers who opted in.
REACH = ("account_reach_7d", "campaign_reach_7d")
GATED = ("ad_insights_by_product", "ad_insights_by_impression_device")
# Not the account of the first look: the sandbox has charged it at a later time than that of the early read.
EARLY_ACCOUNTS = ("act_1000000002", "act_1000000003")
EARLY_REPORTS = ("account_insights", "ad_insights")
EARLY_DAYS = range(6, 10)  # days ago
DAYS_EARLIER = 4  # how much earlier the early read is


def run(runtime: Runtime, sandbox: str, *, now: dt.datetime) -> dict[str, Any]:
    """Read everything; the sandbox's clock is set to `now` in the end. Return how it ended, as `backfill --json`."""
    say = terminal.stderr()
    started = time.monotonic()
    seconds = {}
    if not read_times.last_read_by_node(runtime.engine):
        say.print(f"▸ earlier read: {len(EARLY_DAYS)} days as Meta reported them {DAYS_EARLIER} days ago")
        read_early(runtime, sandbox, now=now)
        seconds["earlier read"] = time.monotonic() - started
    say.print(
        f"▸ backfill: {DAYS} days of every account, {BREAKDOWN_DAYS} by breakdown and 1 of reach, through Dagster"
    )
    ended = read_all(runtime)
    return {**ended.as_json(), "seconds": {**seconds, **ended.as_json()["seconds"]}}


def read_early(runtime: Runtime, sandbox: str, *, now: dt.datetime) -> None:
    """Land a few days while the sandbox's clock is set back: its figures of them change later, as Meta's do."""
    by = PullContext(
        graph=runtime.graph, tokens=runtime.vault, landing=runtime.landing, engine=runtime.engine,
        run_id="earlier read", backfill_id="earlier-read", sleep=runtime.sleep, now=runtime.now,
        catalogue=runtime.catalogue,
    )
    days = [now.date() - dt.timedelta(days=back) for back in EARLY_DAYS]
    _set_clock(sandbox, now - dt.timedelta(days=DAYS_EARLIER))
    try:
        for _ in land_side_by_side({account: days for account in EARLY_ACCOUNTS}, EARLY_REPORTS, context=by):
            pass
    finally:
        _set_clock(sandbox, now)


def read_all(runtime: Runtime) -> Ended:
    """Read the levels over all days, the breakdowns and reach over a few, as one backfill."""
    say = terminal.stderr()
    asked: list[BackfillTarget] = []
    yesterday = DaysAgo(1)
    parts: tuple[tuple[DaysAgo, tuple[str, ...], tuple[str, ...]], ...] = (
        (DaysAgo(DAYS), LEVELS, ()), (DaysAgo(BREAKDOWN_DAYS), BREAKDOWNS, ()), (yesterday, REACH, ()),
        (yesterday, GATED, (GATED_ACCOUNT,)),
    )
    for since, reports, nodes in parts:
        found, _, _ = resolve_targets(runtime, since, yesterday, nodes=nodes, reports=reports, say=say)
        asked.extend(found)
    names = (*LEVELS, *BREAKDOWNS, *REACH, *GATED)
    arguments = {
        "since": min(one.days.since for one in asked).isoformat(), "demo": True, "reports": list(names),
        "until": max(one.days.until for one in asked).isoformat(),
    }
    return read(runtime, asked, names, arguments, has_all=False, fresh=True, say=say)


def _set_clock(sandbox: str, moment: dt.datetime) -> None:
    requests.post(f"{sandbox}/_sandbox/clock", json={"now": moment.isoformat()}, timeout=30).raise_for_status()


if __name__ == "__main__":
    try:
        result = run(bootstrap.process_runtime(), sys.argv[1], now=dt.datetime.fromisoformat(sys.argv[2]))
    except MetaPipelineError as error:
        sys.exit(terminal.line(f"error: {error}"))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(result))
    sys.exit(1 if result["failed"] else 0)
