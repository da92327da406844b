"""`plan`: compute what a backfill with the same arguments would take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.backfill.scope import expected_calls, forecast_targets, resolve_targets
from meta_pipeline.cli.output import terminal
from meta_pipeline.cli.output.terminal import counted

COLUMNS = ["account", "report", "days", "report_runs", "calls", "rows"]
SHORT_COLUMNS = ["account", "reports", "days", "report_runs", "calls", "rows", "percent_of_budget", "seconds"]
HEADERS = {"report_runs": "report runs", "percent_of_budget": "% of budget"}
UNKNOWN = "unknown"
PROCESSES = 2


def run(
    runtime: Runtime, since: Day, until: Day, *, nodes: Sequence[str], reports: Sequence[str], fresh: bool
) -> dict[str, Any]:
    """Calls, shares of budgets and time, by account and in all."""
    asked, _, arguments = resolve_targets(runtime, since, until, nodes=nodes, reports=reports, say=terminal.stderr())
    found = forecast_targets(runtime, asked, arguments, has_all=not reports, fresh=fresh)
    seconds = max(sum(one.seconds for one in found) / PROCESSES, max(one.seconds for one in found))
    return {
        "calls": sum(one.calls for one in found), "seconds": round(seconds, 1),
        "is_certain": all(one.is_certain for one in found),
        "accounts": [
            {
                "account": one.node_id, "calls": one.calls, "seconds": round(one.seconds, 1),
                "percent_of_budget": None if one.percent is None else round(one.percent, 1),
                "entity_calls": one.entity_calls, "reports": [dataclasses.asdict(report) for report in one.reports],
            }
            for one in found
        ],
    }


def rows(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The plan as a table: a line for every account and report."""
    found: list[tuple[Any, ...]] = []
    for account in told["accounts"]:
        for report in account["reports"]:
            rows = UNKNOWN if report["rows"] is None else report["rows"]
            found.append((
                account["account"], report["report"], report["days"], report["report_runs"], report["calls"], rows,
            ))
        if account["entity_calls"]:
            found.append((account["account"], "entities", "", "", account["entity_calls"], ""))
    return found


def short_rows(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the plan with a line for each account, its listings included in the calls."""
    found: list[tuple[Any, ...]] = []
    for account in told["accounts"]:
        reports = account["reports"]
        known = [report["rows"] for report in reports if report["rows"] is not None]
        found.append((
            account["account"], len(reports), max((report["days"] for report in reports), default=0),
            sum(report["report_runs"] for report in reports), account["calls"],
            UNKNOWN if len(known) < len(reports) else sum(known), account["percent_of_budget"], account["seconds"],
        ))
    return found


def _percent(share: float) -> str:
    return "less than 1 %" if share < 1 else f"at most {share:.0f} %"


def summary(told: dict[str, Any]) -> str:
    """Return the plan in a sentence."""
    percents = [one["percent_of_budget"] for one in told["accounts"] if one["percent_of_budget"] is not None]
    share = f", {_percent(max(percents))} of an account's budget" if percents else ""
    calls = expected_calls(told["calls"], is_certain=told["is_certain"])
    return f"{calls}{share}; {counted(round(told['seconds']), 'second')}{'' if told['is_certain'] else ' or more'}"

