"""`metrics`: list the registry of metrics, and describe single metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.registry.registry_file import LISTED_BY
from meta_pipeline.extract.toml_tables import suggestion

COLUMNS = [
    "name", "object", "report", "state", "is_on", "periods", "breakdowns", "valid_from", "valid_to", "replacement",
    "is_additive", "media_types", "confidence", "source",
]
HEADERS = {
    "is_on": "on", "valid_from": "since", "valid_to": "until", "is_additive": "adds up", "media_types": "media types"
}
# The columns that a narrow terminal leaves out, in this order.
OPTIONAL = (
    "source", "confidence", "media_types", "breakdowns", "is_additive", "valid_from", "report", "replacement",
    "valid_to", "periods", "object",
)


def list_metrics(runtime: Runtime, names: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Return a table row for every metric, or for the named ones."""
    return [_row(runtime, metric) for metric in runtime.metrics.values() if not names or metric.name in names]


def describe_metrics(runtime: Runtime, names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence that describes each named metric; unknown names are left out."""
    for name in names:
        if retired := runtime.metrics.retired(name, on=runtime.now().date()):
            yield retired
            continue
        for metric in runtime.metrics.named(name):
            yield _describe(runtime, metric)


def unknown_names(runtime: Runtime, names: Sequence[str]) -> list[str]:
    """Return a sentence for each name that is not a metric, with the name that was probably meant."""
    registry = runtime.metrics
    return [
        f"there is no metric {name!r}{suggestion(name, registry.names, listed_by=LISTED_BY)}"
        for name in names if name not in registry.names
    ]


def _row(runtime: Runtime, metric: Metric) -> tuple[Any, ...]:
    state = _state(runtime, metric)
    return (
        metric.name, metric.object, metric.report, state, metric.is_default and state == "live",
        ", ".join(metric.periods), ", ".join(_dimensions(metric)), metric.valid_from, metric.valid_to,
        metric.replacement, metric.is_additive, ", ".join(metric.media_types), metric.confidence, metric.source,
    )


def _dimensions(metric: Metric) -> list[str]:
    """Return the breakdowns of a metric, each once, without their combinations."""
    return list(dict.fromkeys(name for combination in metric.breakdowns for name in combination.split(",")))


def _state(runtime: Runtime, metric: Metric) -> str:
    """Return `live`, `retired`, or why the metric is not available yet."""
    today = runtime.now().date()
    if metric.has_ended(today):
        return "retired"
    return metric.unavailable(on=today, version=runtime.settings.graph_version) or "live"


def _describe(runtime: Runtime, metric: Metric) -> str:
    """Return the state of a metric, where it is read, and its end if there is one."""
    state = _state(runtime, metric)
    if state == "retired":
        return f"{metric.retirement()} ({metric.object})"
    default = f"read by default in {metric.report}" if metric.is_default else f"not read by default in {metric.report}"
    details = [f"{state}, {default}", f"periods {', '.join(metric.periods)}"]
    if metric.requested_breakdowns:
        details.append(f"breakdowns {'; '.join(metric.requested_breakdowns)}")
    if metric.media_types:
        details.append(f"only {', '.join(metric.media_types)}")
    if metric.valid_to is not None:
        closest = f", then {metric.replacement} is closest" if metric.replacement else ""
        details.append(f"ends on {metric.valid_to}{closest}")
    return f"{metric.name} ({metric.object}): {'; '.join(details)}"
