"""The values of a report's days at a moment, directly from the sandbox's own totals."""

from __future__ import annotations

import copy
import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from meta_pipeline.extract.ads.catalogue.reports import REPORTS, Report
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.ads.insights.breakdowns import BreakdownSplitter
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.world.world import World

# The fields of a video's funnel, and its steps in the sandbox's totals.
VIDEO = {
    "video_play_actions": "plays", "video_thruplay_watched_actions": "thruplays",
    "video_30_sec_watched_actions": "views_30s",
    **{f"video_p{share}_watched_actions": f"p{share}" for share in (25, 50, 75, 95, 100)},
}
FIGURES = ("impressions", "clicks", "inline_link_clicks", "spend", "reach", "purchases", "value", *VIDEO)
# The key of a row within an account's day, and its figures; a figure that was not requested is absent.
Key = tuple[str | None, ...]
Rows = dict[Key, dict[str, Decimal]]


def figures_of(report: Report) -> tuple[str, ...]:
    """Return the figures that a report requests, by their names in the sandbox's totals, or as fields of a video's
    funnel."""
    requested = {*report.fields, *report.actions, *(("purchases", "value") if "actions" in report.actions else ())}
    return tuple(name for name in FIGURES if name in requested)


class ExpectedTotals:
    """One sandbox's totals, by account and span of days. They do not change within a day of the account's calendar, so
    they are cached."""

    def __init__(self, graph: Graph, opted_in: frozenset[str]) -> None:
        self.graph, self.opted_in = graph, opted_in
        self._days = functools.lru_cache(maxsize=None)(self._totals)

    def days(
        self, report: str, account_id: str, at: dt.datetime, days: Sequence[dt.date]
    ) -> dict[dt.date, Rows]:
        """Return the rows of these days, which must have ended, as the sandbox returned them at that moment."""
        world = self.graph.world
        wall = world.wall_clock(world.accounts[account_id], at).date()
        assert max(days) < wall, f"{max(days)} of {account_id} was running at {at}"
        return self._days(report, account_id, wall, at, min(days), max(days))

    def _totals(
        self, name: str, account_id: str, wall: dt.date, at: dt.datetime, since: dt.date, until: dt.date
    ) -> dict[dt.date, Rows]:
        report, world = REPORTS[name], _alone(self.graph.world, account_id)
        if report.gate and account_id not in self.opted_in:
            return {}
        days: dict[dt.date, Rows] = defaultdict(dict)
        if report.window is not None:
            for n in range((until - since).days + 1):
                day = since + dt.timedelta(days=n)
                first, last = report.span(day)
                for row in totals.range_reach(world, since=first, until=last, at=at)[report.level]:
                    days[day][(row["id"],)] = _numbers(report, row)
            return days
        if report.breakdowns:
            rows = totals.breakdown_totals(
                _splits(self.graph, world), since=since, until=until, at=at,
                breakdowns=report.breakdowns, level=report.level
            )
        else:
            rows = totals.daily_totals(world, since=since, until=until, at=at)[report.level]
        for row in rows:
            key = (row["id"], *(row[each] for each in report.breakdowns))
            days[dt.date.fromisoformat(row["day"])][key] = _numbers(report, row)
        return days


def _numbers(report: Report, row: dict[str, Any]) -> dict[str, Decimal]:
    return {
        name: Decimal(row["funnel"][VIDEO[name]] if name in VIDEO else row[name]) for name in figures_of(report)
    }


def _alone(world: World, account_id: str) -> World:
    """Return the same world with only this account."""
    alone = copy.copy(world)
    alone.accounts = {account_id: world.accounts[account_id]}
    return alone


def _splits(graph: Graph, world: World) -> BreakdownSplitter:
    splits = copy.copy(graph.insights.splitter)
    splits.world = world
    return splits


def summed(rows: Rows, names: Sequence[str]) -> dict[str, Decimal]:
    """Return the sums of these figures over an account's day."""
    return {name: sum((row[name] for row in rows.values() if name in row), Decimal(0)) for name in names}
