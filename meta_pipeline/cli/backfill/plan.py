"""`plan`: forecast the calls, the share of budgets and the time of a backfill with the same arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.backfill.scope import describe_expected_calls, forecast_targets, resolve_scope
from meta_pipeline.cli.output import terminal
from meta_pipeline.cli.output.terminal import counted

REPORT_COLUMNS = ["account", "report", "days", "report_runs", "calls", "rows"]
ACCOUNT_COLUMNS = ["account", "reports", "days", "report_runs", "calls", "rows", "percent_of_budget", "seconds"]
HEADERS = {"report_runs": "report runs", "percent_of_budget": "% of budget"}
UNKNOWN = "unknown"
PROCESSES = 2


def plan_backfill(
    runtime: Runtime, since: Day, until: Day, *, nodes: Sequence[str], reports: Sequence[str], is_fresh: bool
) -> dict[str, Any]:
    """Return the plan as JSON can hold it: calls, shares of budgets and seconds, by account and in total."""
    scope = resolve_scope(runtime, since, until, nodes=nodes, reports=reports, console=terminal.stderr())
    forecasts = forecast_targets(runtime, scope, with_listings=not reports, is_fresh=is_fresh)
    durations = [forecast.seconds for forecast in forecasts]
    return {
        "calls": sum(forecast.calls for forecast in forecasts),
        "seconds": round(max(sum(durations) / PROCESSES, max(durations)), 1),
        "is_certain": all(forecast.is_certain for forecast in forecasts),
        "accounts": [
            {
                "account": forecast.node_id, "calls": forecast.calls, "seconds": round(forecast.seconds, 1),
                "percent_of_budget": None if forecast.percent is None else round(forecast.percent, 1),
                "entity_calls": forecast.entity_calls,
                "reports": [dataclasses.asdict(report) for report in forecast.reports],
            }
            for forecast in forecasts
        ],
    }


def rows_by_report(plan: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return a table row for every account and report, and one for the listings of an account."""
    rows: list[tuple[Any, ...]] = []
    for account in plan["accounts"]:
        for report in account["reports"]:
            row_count = UNKNOWN if report["rows"] is None else report["rows"]
            rows.append((
                account["account"], report["report"], report["days"], report["report_runs"], report["calls"], row_count,
            ))
        if account["entity_calls"]:
            rows.append((account["account"], "entities", "", "", account["entity_calls"], ""))
    return rows


def rows_by_account(plan: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return a table row for every account; its calls include the listings."""
    rows: list[tuple[Any, ...]] = []
    for account in plan["accounts"]:
        reports = account["reports"]
        row_counts = [report["rows"] for report in reports if report["rows"] is not None]
        rows.append((
            account["account"], len(reports), max((report["days"] for report in reports), default=0),
            sum(report["report_runs"] for report in reports), account["calls"],
            UNKNOWN if len(row_counts) < len(reports) else sum(row_counts), account["percent_of_budget"],
            account["seconds"],
        ))
    return rows


def describe_plan(plan: dict[str, Any]) -> str:
    """Return the plan in a sentence."""
    percents = [
        account["percent_of_budget"] for account in plan["accounts"] if account["percent_of_budget"] is not None
    ]
    share = f", {_describe_percent(max(percents))} of an account's budget" if percents else ""
    calls = describe_expected_calls(plan["calls"], is_certain=plan["is_certain"])
    return f"{calls}{share}; {counted(round(plan['seconds']), 'second')}{'' if plan['is_certain'] else ' or more'}"


def _describe_percent(percent: float) -> str:
    return "less than 1 %" if percent < 1 else f"at most {percent:.0f} %"
