"""Load the catalogue of reports: the built-in ones and those of a TOML file, which is checked line by line.

    enabled = ["account_reach_7d"]

    [reports.ad_insights_by_age]
    level = "ad"
    fields = ["account_id", "ad_id", "impressions", "spend"]
    breakdowns = ["age"]
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from meta_pipeline.entity_kinds import ENTITY_KINDS
from meta_pipeline.extract.ads.catalogue.reports import REPORTS, STATUSES, WINDOWS, Report, Window
from meta_pipeline.extract.ads.catalogue.vocabulary import (
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
from meta_pipeline.extract.ads.catalogue.vocabulary import WINDOWS as LIVING_WINDOWS
from meta_pipeline.extract.toml_tables import check_keys, name_in_errors, read_flag, read_names, read_tables
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file

Catalogue = Mapping[str, Report]
NAME = re.compile(r"[a-z][a-z0-9_]*")
# Names of other tables in the same schema.
RESERVED = frozenset(kind.name for kind in ENTITY_KINDS)
RESERVED_SUFFIXES = ("_versions", "_history")
LONGEST_WINDOW = 90
_TOP = ("enabled", "reports")
_REPORT = (
    "level", "fields", "breakdowns", "action_breakdowns", "windows", "key", "window", "history_months", "enabled",
)


def load_catalogue(path: Path | None) -> Catalogue:
    """Return every report by its name; without a file only the built-in ones. Raise ConfigError for an invalid file."""
    if path is None:
        return REPORTS
    return parse_catalogue(read_settings_file(path, "REPORTS"), source=str(path))


def parse_catalogue(text: str, *, source: str) -> Catalogue:
    """Return the built-in reports and those of this TOML text. Raise ConfigError, which names `source`."""
    with name_in_errors(source):
        document = tomllib.loads(text)
        check_keys(document, _TOP)
        enabled, own = _names(document, "enabled", REPORTS, "report"), read_tables(document, "reports", "my_report")
        return {
            **{
                name: dataclasses.replace(report, is_default=report.is_default or name in enabled)
                for name, report in REPORTS.items()
            },
            **{name: _report(name, table) for name, table in own.items()},
        }


def default_reports(reports: Catalogue) -> tuple[str, ...]:
    """Return the names of the reports that are read when none is named."""
    return tuple(name for name, report in reports.items() if report.is_default)


def _report(name: str, table: dict[str, Any]) -> Report:
    try:
        return _checked(name, table)
    except ConfigError as error:
        reason = str(error)
        raise ConfigError(reason if reason.startswith(f"report {name}: ") else f"report {name}: {reason}") from error


def _checked(name: str, table: dict[str, Any]) -> Report:
    if not NAME.fullmatch(name):
        raise ConfigError("a name has only lower-case letters, digits and _ and starts with a letter: choose another")
    if name in REPORTS or name in RESERVED or name.endswith(RESERVED_SUFFIXES):
        raise ConfigError("the name is taken: choose another")
    check_keys(table, _REPORT)
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
        key=_names(table, "key", (*fields, *breakdowns), "requested field") or (IDS[level][-1], *breakdowns),
        statuses=STATUSES[level],
        windows=_names(table, "windows", LIVING_WINDOWS | DEAD_WINDOWS, "window")
        if "windows" in table else WINDOWS if actions else (),
        breakdowns=breakdowns,
        action_breakdowns=_names(table, "action_breakdowns", ACTION_BREAKDOWNS | {"action_type"}, "breakdown"),
        window=_window(table.get("window")),
        history_months=_months(table.get("history_months"), history_limit(fields, breakdowns)),
        is_default=read_flag(table, "enabled", True),
        gate=gate(breakdowns),
    )


def _fields(level: str, table: dict[str, Any]) -> tuple[str, ...]:
    """Return the fields of a report, and the fields of the day, which Meta returns in any case."""
    fields = _names(table, "fields", FIELDS, "field")
    if not fields:
        raise ConfigError("it has no fields: name at least its ids and one metric")
    if missing := [name for name in ("account_id", IDS[level][-1]) if name not in fields]:
        raise ConfigError(f"its rows have no unique key without {' and '.join(missing)}: add it to the fields")
    above = [name for names in IDS.values() for name in names if name not in IDS[level] and name in fields]
    if above:
        raise ConfigError(f"a row of level {level} has no {above[0]}: remove it, or choose the level that has it")
    return (*fields, *(name for name in DAY if name not in fields))


def _names(table: Mapping[str, Any], key: str, allowed: Collection[str], noun: str) -> tuple[str, ...]:
    return read_names(table, key, allowed, noun, listed_by="`meta-pipeline reports --names`")


def _window(value: Any) -> Window | None:
    if value is None:
        return None
    if value == "month":
        return "month"
    if isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= LONGEST_WINDOW:
        return value
    raise ConfigError(f'window must be "month" or a number of days from 2 to {LONGEST_WINDOW}, not {value!r}')


def _months(value: Any, limit: int) -> int:
    if value is None:
        return limit
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limit:
        return value
    raise ConfigError(f"history_months must be 1 to {limit}, which is as long as Meta keeps it, not {value!r}")
