"""`plan`: what a backfill with the same arguments would take."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from meta_pipeline.bootstrap import Live
from meta_pipeline.cli.asked import expected_of, understood

COLUMNS = ["account", "report", "days", "report_runs", "calls", "rows"]
PROCESSES = 2


def run(
    home: Live, since: dt.date, until: dt.date, *, nodes: Sequence[str], reports: Sequence[str], fresh: bool
) -> dict[str, Any]:
    """Calls, shares of budgets and time, by account and in all."""
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    asked, _, arguments = understood(home, since, until, nodes=nodes, reports=reports, say=say)
    found = expected_of(home, asked, arguments, has_all=not reports, fresh=fresh)
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
            rows = "not known yet" if report["rows"] is None else report["rows"]
            found.append((
                account["account"], report["report"], report["days"], report["report_runs"], report["calls"], rows,
            ))
        if account["entity_calls"]:
            found.append((account["account"], "entities", "", "", account["entity_calls"], ""))
    return found


def summary(told: dict[str, Any]) -> str:
    """The plan in a sentence."""
    percents = [one["percent_of_budget"] for one in told["accounts"] if one["percent_of_budget"] is not None]
    share = f", at most {max(percents):.0f} % of an account's budget" if percents else ""
    least = "about" if told["is_certain"] else "at least"
    return f"{least} {told['calls']} calls{share}, {least} {told['seconds']:.0f} s"
