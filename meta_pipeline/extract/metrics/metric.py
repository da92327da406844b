"""The record of a metric, and the registry of all metrics by name and kind of object. No metric is named here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from meta_pipeline.graph.versions import version_order
from meta_pipeline.records import ConfigError

ObjectKind = Literal["page", "post", "instagram_account", "media", "story"]
MediaType = Literal["IMAGE", "VIDEO", "CAROUSEL_ALBUM", "REELS", "STORY"]
Confidence = Literal["D", "S", "P", "R"]

OBJECT_KINDS: tuple[ObjectKind, ...] = get_args(ObjectKind)
MEDIA_TYPES: tuple[MediaType, ...] = get_args(MediaType)
PERIODS = ("day", "week", "days_28", "month", "lifetime", "total_over_range")
METRIC_TYPES = ("total_value", "time_series")
# By kind of object: the reports that read its metrics, the usual one first.
REPORTS_BY_OBJECT: Mapping[ObjectKind, tuple[str, ...]] = {
    "page": ("page_insights", "page_audience"),
    "post": ("page_posts",),
    "instagram_account": ("instagram_insights", "instagram_demographics"),
    "media": ("instagram_media",),
    "story": ("instagram_stories",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of one kind of object, and everything that a request for it depends on.

    `periods` are those that Meta accepts, `default_periods` those that are requested; a metric that has ended has none.
    `metric_types` (Instagram accounts) begins with the one to request. `breakdowns` are those that Meta accepts, with
    several dimensions joined by a comma as in the request; `requested_breakdowns` are the ones that are read;
    `needs_breakdown`: without one Meta returns no value. `timeframes` and `default_timeframe` are of demographics.
    `valid_from` is the first day on which Meta accepts the name, `valid_to` the first day on which it no longer does;
    None when there is no such day. A name that has ended is refused for every day of the history. `replacement` is the
    name of the closest metric and `replacement_note` how it differs. `is_additive`: values of several days add up (of
    several objects, for lifetime metrics). `media_types` is empty when every type has it; VIDEO is a video in the feed.
    `history_days`: how far back Meta has data, if less than two years. Metrics of different `request_group`s fail in
    one request. `min_version`: the first version that has it. `source` cites the fact, `confidence` is its letter."""

    name: str
    object: ObjectKind
    report: str
    periods: tuple[str, ...]
    default_periods: tuple[str, ...]
    source: str
    confidence: Confidence
    metric_types: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    requested_breakdowns: tuple[str, ...] = ()
    needs_breakdown: bool = False
    timeframes: tuple[str, ...] = ()
    default_timeframe: str | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    replacement: str | None = None
    replacement_note: str | None = None
    is_additive: bool = False
    media_types: tuple[MediaType, ...] = ()
    is_default: bool = False
    history_days: int | None = None
    request_group: str = ""
    min_version: str | None = None

    def __post_init__(self) -> None:
        for is_wrong, reason in (
            (self.object not in OBJECT_KINDS, f"its object must be one of {', '.join(OBJECT_KINDS)}"),
            (self.report not in REPORTS_BY_OBJECT.get(self.object, ()), f"{self.report} reads no {self.object}"),
            (not self.periods and self.valid_to is None, "it has no period"),
            (not set(self.default_periods) <= set(self.periods), "a requested period is not one of its periods"),
            (not set(self.requested_breakdowns) <= set(self.breakdowns), "it does not have a requested breakdown"),
            (self.needs_breakdown and not self.requested_breakdowns, "it needs a breakdown"),
            (
                self.valid_from is not None and self.valid_to is not None and self.valid_from >= self.valid_to,
                f"its valid_to {self.valid_to} is not after its valid_from {self.valid_from}",
            ),
        ):
            if is_wrong:
                raise ConfigError(f"metric {self.name}: {reason}")

    @property
    def key(self) -> tuple[str, ObjectKind]:
        """Return its key in the registry."""
        return self.name, self.object

    def is_live(self, *, on: dt.date, version: str) -> bool:
        """Check whether Meta accepts the name on this day in this version (`v26.0`)."""
        return not self.has_ended(on) and self.unavailable(on=on, version=version) is None

    def has_ended(self, on: dt.date) -> bool:
        """Check whether Meta refuses the name on this day."""
        return self.valid_to is not None and self.valid_to <= on

    def unavailable(self, *, on: dt.date, version: str) -> str | None:
        """Return the day or the version from which Meta accepts a metric that has not ended; None when it does now."""
        if self.valid_from is not None and on < self.valid_from:
            return f"from {self.valid_from}"
        if self.min_version is not None and version_order(version) < version_order(self.min_version):
            return f"needs {self.min_version}"
        return None

    def applies_to(self, media_type: str) -> bool:
        """Check whether media of this type have the metric."""
        return not self.media_types or media_type in self.media_types

    def retirement(self) -> str:
        """Return when the metric ended and its closest replacement, as a sentence without a full stop."""
        ended = f"{self.name} ended on {self.valid_to}"
        if self.replacement is None:
            return f"{ended}; Meta has no replacement"
        note = f", {self.replacement_note}" if self.replacement_note else ""
        return f"{ended}; {self.replacement} is closest{note}"


class Registry(Mapping[tuple[str, ObjectKind], Metric]):
    """Every metric by its name and the kind of object that has it, alive and dead, in the order of the data."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        """Raise ConfigError when a kind of object has two metrics of one name."""
        self._metrics: dict[tuple[str, ObjectKind], Metric] = {}
        for metric in metrics:
            if metric.key in self._metrics:
                raise ConfigError(f"metric {metric.name}: it is defined twice for a {metric.object}")
            self._metrics[metric.key] = metric

    def __getitem__(self, key: tuple[str, ObjectKind]) -> Metric:
        return self._metrics[key]

    def __iter__(self) -> Iterator[tuple[str, ObjectKind]]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    @property
    def names(self) -> frozenset[str]:
        """Return every name, alive and dead."""
        return frozenset(name for name, _ in self._metrics)

    def named(self, name: str) -> tuple[Metric, ...]:
        """Return the metrics of this name: at most one for each kind of object."""
        return tuple(metric for metric in self._metrics.values() if metric.name == name)

    def live(self, kind: ObjectKind, *, on: dt.date, version: str) -> tuple[Metric, ...]:
        """Return every metric of a kind of object that Meta accepts on this day in this version."""
        return tuple(
            metric for metric in self._metrics.values()
            if metric.object == kind and metric.is_live(on=on, version=version)
        )

    def requested(
        self, report: str, *, on: dt.date, version: str, media_type: str | None = None
    ) -> tuple[Metric, ...]:
        """Return the metrics that a report requests on this day in this version: switched on, accepted by Meta, and of
        this media type if one is given."""
        return tuple(
            metric for metric in self._metrics.values()
            if metric.report == report and metric.is_default and metric.default_periods
            and metric.is_live(on=on, version=version) and (media_type is None or metric.applies_to(media_type))
        )

    def retired(self, name: str, *, on: dt.date, kind: ObjectKind | None = None) -> str | None:
        """Return when this metric ended and which one is closest; None when Meta still accepts it (for any kind of
        object, if none is given) or the name is unknown."""
        metrics = [metric for metric in self.named(name) if kind is None or metric.object == kind]
        if not metrics or not all(metric.has_ended(on) for metric in metrics):
            return None
        return metrics[0].retirement()


def define(
    names: str, *, periods: tuple[str, ...], default_periods: tuple[str, ...] | None = None, **facts: Any
) -> tuple[Metric, ...]:
    """Return a metric for each of these names, separated by blanks, with the same facts; by default the first period
    is requested."""
    default_periods = periods[:1] if default_periods is None else default_periods
    return tuple(Metric(name=name, periods=periods, default_periods=default_periods, **facts) for name in names.split())
