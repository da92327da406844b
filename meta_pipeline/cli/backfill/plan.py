"""`plan`: forecast the calls, the share of budgets and the time of a backfill with the same arguments."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.backfill.scope import describe_expected_calls, forecast_targets, resolve_scope
from meta_pipeline.cli.output import terminal
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.status.forecast import NodeForecast

REPORT_COLUMNS = ["account", "report", "days", "report_runs", "calls", "rows"]
ACCOUNT_COLUMNS = ["account", "reports", "days", "report_runs", "calls", "rows", "percent_of_budget", "seconds"]
HEADERS = {"account": "node", "report_runs": "report runs", "percent_of_budget": "% of budget"}
UNKNOWN = "unknown"
STORIES = "stories, every hour"
PROCESSES = 2


def plan_backfill(
    runtime: Runtime, since: Day, until: Day, *, nodes: Sequence[str], reports: Sequence[str], is_fresh: bool
) -> dict[str, Any]:
    """Return the plan as JSON values: calls, shares of budgets and seconds, by node (under `accounts`, of every kind)
    and in total. The calls that the schedule makes every hour for stories come on top."""
    scope = resolve_scope(runtime, since, until, nodes=nodes, reports=reports, console=terminal.stderr())
    forecasts = forecast_targets(runtime, scope, with_listings=not reports, is_fresh=is_fresh)
    durations = [forecast.seconds for forecast in forecasts]
    return {
        "calls": sum(forecast.calls for forecast in forecasts),
        "seconds": round(max(sum(durations) / PROCESSES, max(durations)), 1),
        "is_certain": all(forecast.is_certain for forecast in forecasts),
        "accounts": [
            _as_json(node_id, list(of_node))
            for node_id, of_node in itertools.groupby(forecasts, key=lambda forecast: forecast.node_id)
        ],
    }


def _as_json(node_id: str, forecasts: Sequence[NodeForecast]) -> dict[str, Any]:
    """Return the plan of one node, whose ranges are forecast one by one."""
    percents = [forecast.percent for forecast in forecasts if forecast.percent is not None]
    hourly = _sum_or_none(forecast.hourly_calls for forecast in forecasts)
    return {
        "account": node_id, "calls": sum(forecast.calls for forecast in forecasts),
        "seconds": round(sum(forecast.seconds for forecast in forecasts), 1),
        "percent_of_budget": round(sum(percents), 1) if percents else None,
        "entity_calls": sum(forecast.entity_calls for forecast in forecasts),
        **({} if hourly is None else {"hourly_story_calls": hourly}),
        "reports": [dataclasses.asdict(report) for forecast in forecasts for report in forecast.reports],
    }


def _sum_or_none(counts: Iterable[int | None]) -> int | None:
    given = [count for count in counts if count is not None]
    return sum(given) if given else None


def rows_by_report(plan: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return a table row for every node and report, one for the listings of an ad account, and one for the calls every
    hour for stories of an Instagram account."""
    rows: list[tuple[Any, ...]] = []
    for account in plan["accounts"]:
        for report in account["reports"]:
            row_count = UNKNOWN if report["rows"] is None else report["rows"]
            rows.append((
                account["account"], report["report"], report["days"], report["report_runs"], report["calls"], row_count,
            ))
        if account["entity_calls"]:
            rows.append((account["account"], "entities", "", "", account["entity_calls"], ""))
        if "hourly_story_calls" in account:
            rows.append((account["account"], STORIES, "", "", account["hourly_story_calls"], ""))
    return rows


def rows_by_account(plan: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return a table row for every node; its calls include the listings of an ad account."""
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
    share = f", {_describe_percent(max(percents))} of a node's budget" if percents else ""
    calls = describe_expected_calls(plan["calls"], is_certain=plan["is_certain"])
    hourly = _sum_or_none(account.get("hourly_story_calls") for account in plan["accounts"])
    return (
        f"{calls}{share}; {counted(round(plan['seconds']), 'second')}{'' if plan['is_certain'] else ' or more'}"
        + (f"; {counted(hourly, 'call')} more every hour for stories, under `meta-pipeline up`" if hourly else "")
    )


def _describe_percent(percent: float) -> str:
    return "less than 1 %" if percent < 1 else f"at most {percent:.0f} %"
