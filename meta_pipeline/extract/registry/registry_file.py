"""The registry with the changes of a TOML file, which is checked line by line: metrics that Meta added or retired, what
is switched on, further periods and breakdowns.

    [metrics.page_new_metric]        # a name that is not in the registry is added, and needs its object
    object = "page"
    additive = true

    [metrics.page_views_total]       # a name that is in it is changed, for every object that has it if none is named
    valid_to = 2026-12-01
    replacement = "page_media_view"

    [periods]                        # by report; each period is one more call
    page_insights = ["day", "week"]

    [breakdowns]
    instagram_demographics = ["age,gender", "country", "city", "age"]
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from meta_pipeline.extract.metrics.metric import (
    MEDIA_TYPES,
    METRIC_TYPES,
    OBJECT_KINDS,
    PERIODS,
    REPORTS_BY_OBJECT,
    Metric,
    ObjectKind,
    Registry,
)
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.extract.toml_tables import (
    check_keys,
    name_in_errors,
    read_day,
    read_flag,
    read_names,
    read_tables,
    suggestion,
)
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file

LISTED_BY = "`meta-pipeline metrics`"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VERSION = re.compile(r"v[1-9]\d*\.\d+")
_TOP = ("metrics", "periods", "breakdowns")
_METRIC = (
    "object", "report", "periods", "metric_types", "breakdowns", "media_types", "additive", "enabled", "valid_from",
    "valid_to", "replacement", "min_version",
)
_REPORTS = tuple(report for reports in REPORTS_BY_OBJECT.values() for report in reports)


def load_registry(path: Path | None) -> Registry:
    """Return every metric; without a file only the built-in ones. Raise ConfigError for an invalid file."""
    if path is None:
        return METRICS
    return parse_registry(read_settings_file(path, "METRICS"), source=str(path))


def parse_registry(text: str, *, source: str) -> Registry:
    """Return the built-in metrics with the changes of this TOML text. Raise ConfigError, which names `source`."""
    with name_in_errors(source):
        document = tomllib.loads(text)
        check_keys(document, _TOP)
        metrics = dict(METRICS)
        for name, table in read_tables(document, "metrics", "page_new_metric").items():
            metrics |= {metric.key: metric for metric in _metrics(name, table, source)}
        _check_replacements(metrics.values())
        registry = Registry(metrics.values())
        return _with_choices(_with_choices(registry, document, "periods"), document, "breakdowns")


def _metrics(name: str, table: dict[str, Any], source: str) -> list[Metric]:
    try:
        if not _NAME.fullmatch(name):
            raise ConfigError("a name has only lower-case letters, digits and _ and starts with a letter")
        check_keys(table, _METRIC)
        for metric in METRICS.named(name):
            if metric.valid_to is not None:
                raise ConfigError(f"{metric.retirement()}: remove it")
        return [_metric(name, kind, table, source) for kind in _kinds(name, table)]
    except ConfigError as error:
        reason = str(error)
        raise ConfigError(reason if reason.startswith(f"metric {name}: ") else f"metric {name}: {reason}") from error


def _kinds(name: str, table: dict[str, Any]) -> tuple[ObjectKind, ...]:
    """Return the kinds of objects that a table is about: the one it names, else all that have the metric."""
    kind = table.get("object")
    if kind in OBJECT_KINDS:
        return (kind,)
    if kind is not None:
        raise ConfigError(f"object must be one of {', '.join(OBJECT_KINDS)}, not {kind!r}")
    if not (metrics := METRICS.named(name)):
        close = suggestion(name, METRICS.names, listed_by=LISTED_BY)
        raise ConfigError(f"a new metric needs its object ({', '.join(OBJECT_KINDS)}); there is no such metric{close}")
    return tuple(metric.object for metric in metrics)


def _metric(name: str, kind: ObjectKind, table: dict[str, Any], source: str) -> Metric:
    stored = METRICS.get((name, kind)) or _new(name, kind, source)
    report = table.get("report", stored.report)
    if report not in REPORTS_BY_OBJECT[kind]:
        raise ConfigError(f"report of a {kind} must be {' or '.join(REPORTS_BY_OBJECT[kind])}, not {report!r}")
    if "media_types" in table and kind not in ("media", "story"):
        raise ConfigError(f"a {kind} has no media_types: remove the line")
    periods = _names(table, "periods", PERIODS, "period", stored.periods)
    if not periods:
        raise ConfigError("periods names no period: name one, or remove the line")
    breakdowns = _names(table, "breakdowns", _texts(table.get("breakdowns")), "breakdown", stored.breakdowns)
    return dataclasses.replace(
        stored,
        report=report,
        periods=periods,
        default_periods=tuple(name for name in stored.default_periods if name in periods) or periods[:1],
        metric_types=_names(table, "metric_types", METRIC_TYPES, "type", stored.metric_types),
        media_types=_names(table, "media_types", MEDIA_TYPES, "media type", stored.media_types),
        breakdowns=breakdowns,
        requested_breakdowns=tuple(name for name in stored.requested_breakdowns if name in breakdowns),
        is_additive=read_flag(table, "additive", stored.is_additive),
        is_default=read_flag(table, "enabled", stored.is_default),
        valid_from=read_day(table, "valid_from", stored.valid_from),
        valid_to=read_day(table, "valid_to", stored.valid_to),
        replacement=_text(table, "replacement", stored.replacement),
        min_version=_version(table, stored.min_version),
    )


def _new(name: str, kind: ObjectKind, source: str) -> Metric:
    """Return a metric that only the file defines. It is read by default: by day for a Page or an Instagram account,
    lifetime for objects that are read as snapshots."""
    periods = ("day",) if kind in ("page", "instagram_account") else ("lifetime",)
    return Metric(
        name=name, object=kind, report=REPORTS_BY_OBJECT[kind][0], periods=periods, default_periods=periods,
        metric_types=("total_value",) if kind == "instagram_account" else (), is_default=True, source=source,
        confidence="R",
    )


def _names(
    table: Mapping[str, Any], key: str, allowed: Iterable[str], noun: str, default: tuple[Any, ...]
) -> tuple[Any, ...]:
    return read_names(table, key, tuple(allowed), noun, listed_by=LISTED_BY) if key in table else default


def _texts(value: Any) -> list[str]:
    """Return the texts of a list: a breakdown may be new at Meta, so any name is allowed."""
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _text(table: dict[str, Any], key: str, default: str | None) -> str | None:
    value = table.get(key, default)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{key} must be text in quotation marks, not {value!r}")
    return value


def _version(table: dict[str, Any], default: str | None) -> str | None:
    version = _text(table, "min_version", default)
    if version is not None and not _VERSION.fullmatch(version):
        raise ConfigError(f"min_version must be a version such as v26.0, not {version!r}")
    return version


def _check_replacements(metrics: Iterable[Metric]) -> None:
    """Raise ConfigError for a replacement that does not exist, or that ends no later than the metric itself."""
    by_name: dict[str, list[Metric]] = {}
    for metric in metrics:
        by_name.setdefault(metric.name, []).append(metric)
    for metric in metrics:
        if metric.replacement is None:
            continue
        if metric.replacement not in by_name:
            current = [name for name, metrics_of_name in by_name.items() if metrics_of_name[0].valid_to is None]
            close = suggestion(metric.replacement, current, listed_by=LISTED_BY)
            raise ConfigError(f"metric {metric.name}: replacement: there is no metric {metric.replacement!r}{close}")
        ends = [other.valid_to for other in by_name[metric.replacement] if other.valid_to is not None]
        if len(ends) == len(by_name[metric.replacement]) and (metric.valid_to is None or max(ends) <= metric.valid_to):
            raise ConfigError(
                f"metric {metric.name}: its replacement {metric.replacement} ends on {max(ends)}: name another"
            )


def _with_choices(registry: Registry, document: dict[str, Any], key: Literal["periods", "breakdowns"]) -> Registry:
    """Return the registry with the chosen periods or breakdowns of each report; a metric requests those that it has."""
    chosen = document.get(key, {})
    if not isinstance(chosen, dict):
        raise ConfigError(f"{key} must be a table of reports: write [{key}]")
    try:
        check_keys(chosen, _REPORTS, "report")
        metrics = dict(registry)
        for report in chosen:
            own = [metric for metric in metrics.values() if metric.report == report]
            allowed = tuple({name: None for metric in own for name in getattr(metric, key)})
            names = read_names(chosen, report, allowed, key.removesuffix("s"), listed_by=LISTED_BY)
            if key == "periods" and not names:
                raise ConfigError(f"{report} names no period: name one, or remove the line")
            metrics |= {metric.key: _with_choice(metric, names, key) for metric in own}
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error
    return Registry(metrics.values())


def _with_choice(metric: Metric, names: tuple[str, ...], key: Literal["periods", "breakdowns"]) -> Metric:
    """Return a metric that requests those of these names that it has. One that has no such period keeps its own, as
    does one that needs a breakdown."""
    requested = tuple(name for name in names if name in getattr(metric, key))
    if key == "periods":
        return dataclasses.replace(metric, default_periods=requested or metric.default_periods)
    if metric.needs_breakdown and not requested:
        return metric
    return dataclasses.replace(metric, requested_breakdowns=requested)
