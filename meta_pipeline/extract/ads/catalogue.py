"""Which reports there are and which are read: the built-in ones and those of a TOML file, every line of it checked.

    enabled = ["account_reach_7d"]

    [reports.ad_insights_by_age]
    level = "ad"
    fields = ["account_id", "ad_id", "impressions", "spend"]
    breakdowns = ["age"]
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from meta_pipeline.extract.ads.reports import REPORTS, STATUSES, WINDOWS, Report, Window
from meta_pipeline.extract.ads.vocabulary import (
    ACTION_BREAKDOWNS,
    ACTION_FIELDS,
    BREAKDOWNS,
    DAY,
    DEAD_WINDOWS,
    FIELDS,
    IDS,
    gate,
    history_limit,
)
from meta_pipeline.extract.ads.vocabulary import WINDOWS as LIVING_WINDOWS
from meta_pipeline.records import ConfigError

Catalogue = Mapping[str, Report]
NAME = re.compile(r"[a-z][a-z0-9_]*")
# What is no report but a table beside theirs.
TAKEN = frozenset(("accounts", "campaigns", "ad_sets", "ads", "creatives", "thumbnails"))
TAKEN_ENDS = ("_versions", "_history")
LONGEST_WINDOW = 90
_TOP = ("enabled", "reports")
_REPORT = (
    "level", "fields", "breakdowns", "action_breakdowns", "windows", "key", "window", "history_months", "enabled",
)


def catalogue(path: Path | None) -> Catalogue:
    """Every report by its name; the built-in ones alone without a file. ConfigError says what is wrong in it."""
    if path is None:
        return REPORTS
    try:
        return parsed(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"META_PIPELINE_REPORTS: {path} can't be read: {error}") from error


def parsed(text: str, *, source: str) -> Catalogue:
    """The built-in reports and those of this TOML; `source` names it in what is said of it."""
    try:
        told = tomllib.loads(text)
        _known(told, _TOP, "key")
        enabled, own = _names(told, "enabled", REPORTS, "report"), told.get("reports", {})
        if not isinstance(own, dict) or not all(isinstance(table, dict) for table in own.values()):
            raise ConfigError("reports must be tables: write [reports.my_report]")
        return {
            **{
                name: dataclasses.replace(report, is_default=report.is_default or name in enabled)
                for name, report in REPORTS.items()
            },
            **{name: _report(name, table) for name, table in own.items()},
        }
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is no TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def read_by_default(reports: Catalogue) -> tuple[str, ...]:
    """The reports that are read when none is named."""
    return tuple(name for name, report in reports.items() if report.is_default)


def _report(name: str, table: dict[str, Any]) -> Report:
    try:
        return _checked(name, table)
    except ConfigError as error:
        told = str(error)
        raise ConfigError(told if told.startswith(f"report {name}: ") else f"report {name}: {told}") from error


def _checked(name: str, table: dict[str, Any]) -> Report:
    if not NAME.fullmatch(name):
        raise ConfigError("a name has small letters, digits and _ only and begins with a letter: choose another")
    if name in REPORTS or name in TAKEN or name.endswith(TAKEN_ENDS):
        raise ConfigError("the name is taken: choose another")
    _known(table, _REPORT, "key")
    level = table.get("level")
    if level not in IDS:
        raise ConfigError(f"level must be one of {', '.join(IDS)}, not {level!r}")
    fields = _fields(level, table)
    breakdowns = _names(table, "breakdowns", BREAKDOWNS, "breakdown")
    actions = ACTION_FIELDS & set(fields)
    return Report(
        name,
        level=level,
        fields=fields,
        key=_names(table, "key", (*fields, *breakdowns), "field of its own") or (IDS[level][-1], *breakdowns),
        statuses=STATUSES[level],
        windows=_names(table, "windows", LIVING_WINDOWS | DEAD_WINDOWS, "window")
        if "windows" in table else WINDOWS if actions else (),
        breakdowns=breakdowns,
        action_breakdowns=_names(table, "action_breakdowns", ACTION_BREAKDOWNS | {"action_type"}, "breakdown"),
        window=_window(table.get("window")),
        history_months=_months(table.get("history_months"), history_limit(fields, breakdowns)),
        is_default=_flag(table.get("enabled", True)),
        gate=gate(breakdowns),
    )


def _fields(level: str, table: dict[str, Any]) -> tuple[str, ...]:
    """The fields with the days, which Meta gives in any case."""
    fields = _names(table, "fields", FIELDS, "field")
    if not fields:
        raise ConfigError("it has no fields: name at least its ids and one figure")
    if missing := [name for name in ("account_id", IDS[level][-1]) if name not in fields]:
        raise ConfigError(f"its rows can't be told apart without {' and '.join(missing)}: add to its fields")
    above = [name for names in IDS.values() for name in names if name not in IDS[level] and name in fields]
    if above:
        raise ConfigError(f"a row of level {level} has no {above[0]}: take it out, or choose the level that has it")
    return (*fields, *(name for name in DAY if name not in fields))


def _names(table: dict[str, Any], key: str, known: Collection[str], noun: str) -> tuple[str, ...]:
    """A list of known names, each once."""
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ConfigError(f'{key} must be a list of names: write {key} = ["…"]')
    for name in found:
        if name not in known:
            raise ConfigError(f"{key}: there is no {noun} {name!r}{_closest(name, known)}")
    if len(set(found)) < len(found):
        raise ConfigError(f"{key} names {next(name for name in found if found.count(name) > 1)} twice: take one out")
    return tuple(found)


def _known(table: dict[str, Any], known: Collection[str], noun: str) -> None:
    for name in table:
        if name not in known:
            raise ConfigError(f"there is no {noun} {name!r}{_closest(name, known)}")


def _closest(name: str, known: Iterable[str]) -> str:
    """What was meant, probably; all there is when nothing is like it."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f", did you mean {close[0]}?"
    return f": there are {', '.join(names)}" if len(names) <= 20 else ": `meta-pipeline reports --names` lists them all"


def _window(told: Any) -> Window | None:
    if told is None:
        return None
    if told == "month":
        return "month"
    if isinstance(told, int) and not isinstance(told, bool) and 2 <= told <= LONGEST_WINDOW:
        return told
    raise ConfigError(f'window must be "month" or a number of days from 2 to {LONGEST_WINDOW}, not {told!r}')


def _months(told: Any, limit: int) -> int:
    if told is None:
        return limit
    if isinstance(told, int) and not isinstance(told, bool) and 1 <= told <= limit:
        return told
    raise ConfigError(f"history_months must be 1 to {limit}, which is as long as Meta keeps it, not {told!r}")


def _flag(told: Any) -> bool:
    if not isinstance(told, bool):
        raise ConfigError(f"enabled must be true or false, not {told!r}")
    return told
