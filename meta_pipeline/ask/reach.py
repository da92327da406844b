"""Reach: a figure that Meta counted for one level and one window, returned as counted; people can't be added up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from meta_pipeline.ask.answers import AskError, table
from meta_pipeline.ask.basis import state_of_days
from meta_pipeline.ask.conditions import Where, condition_of
from meta_pipeline.ask.marts import Marts
from meta_pipeline.ask.measured import LEVELS, REACH, Window

_OF_A_WINDOW = ("window_start", "date_day", "is_complete", "is_provisional")


def query_reach(
    marts: Marts,
    *,
    dimensions: Sequence[str],
    where: Where,
    since: dt.date | None,
    until: dt.date | None,
    grain: str,
    limit: int,
) -> dict[str, Any]:
    """Return the figures that Meta counted, dated by the last day of their window. Raise AskError, which lists the
    levels and windows that Meta counts, for any other."""
    level, window = _window(list(dimensions), grain)
    if not marts.has(window.mart, "reach", "date_day", LEVELS[level][0]):
        raise AskError(f"this publication has no reach by {level} and {grain}: {possible()}")
    condition, values = condition_of(marts, window.mart, where, since=since, until=until)
    condition = f"{window.condition} and reach is not null and {condition}"
    columns = [column for name in dimensions for column in LEVELS[name] if marts.has(window.mart, column)]
    columns += [name for name in _OF_A_WINDOW if marts.has(window.mart, name)]
    selected = ", ".join(f'"{column}"' for column in dict.fromkeys(columns))
    answer = marts.read(
        f"select {selected}, reach from marts.{window.mart} where {condition} order by all", values, limit=limit
    )
    notes = ["reach counts people: figures of several rows can't be added up"]
    if answer.is_cut:
        notes.append(f"only the first {len(answer.rows)} rows: choose fewer days, or set limit")
    if not answer.rows:
        notes.append(
            "no such figure is published: reach in windows of several days is in reports that must be switched on first"
        )
    return {
        "metric": "reach", "definition": f"people whom the ads of one {level} reached, as Meta counted them ({grain})",
        "mart": window.mart, "notes": notes, **table(answer.columns, answer.rows),
        "basis": state_of_days(marts, window.mart, condition, values),
    }


def possible() -> str:
    """Return a sentence that lists the levels and windows for which Meta counts reach."""
    grains: dict[str, list[str]] = {}
    for level, grain in REACH:
        grains.setdefault(level, []).append(grain)
    counted = ", ".join(f"{level} ({', '.join(each)})" for level, each in grains.items())
    return f"Meta counts people per {counted}; set `by` to the level and `grain` to the window, reach does not add up"


def _window(dimensions: list[str], grain: str) -> tuple[str, Window]:
    """Return the finest level and its window; a level may be named with those above it."""
    levels = list(LEVELS)
    chosen = [level for level in levels if level in dimensions]
    if not chosen or len(chosen) < len(dimensions) or (chosen[-1], grain) not in REACH:
        names = ", ".join(dimensions)[:200] or "nothing"
        raise AskError(f"reach was not measured by {names} and {grain[:40]}: {possible()}")
    return chosen[-1], REACH[chosen[-1], grain]
