"""Derive metrics from those that are drawn, for Pages and posts alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.pages.catalogue import Metric

# A number, or numbers by key; zeros are left out of an object.
Value = int | dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The values drawn for one Page's day or one post; everything else follows from it.

    `count` returns the value of a metric that counts; `people` the people behind a value, by metric; `per_mille` the
    share of a part by the metric it is a part of and its pair.
    """

    count: Callable[[str, Metric], int]
    people: Callable[[str, int], int]
    per_mille: Callable[[str, str], int]


def derive(name: str, metrics: Mapping[str, Metric], drawn: Drawn) -> Value:
    """Return the value of a metric."""
    metric = metrics[name]
    if metric.kind == "object":
        values = {key: derive(part, metrics, drawn) for key, part in metric.parts.items()}
        return {key: value for key, value in values.items() if value}
    return _number(name, metrics, drawn)


def _number(name: str, metrics: Mapping[str, Metric], drawn: Drawn) -> int:
    metric = metrics[name]
    match metric.kind:
        case "part":
            return _number(metric.of, metrics, drawn) * drawn.per_mille(metric.of, metric.pair) // 1000
        case "rest":
            return _number(metric.of, metrics, drawn) - _number(metric.pair, metrics, drawn)
        case "unique":
            return drawn.people(name, _number(metric.of, metrics, drawn))
    return drawn.count(name, metric)


def breakdown_parts(total: Value, breakdown: str, drawn: Drawn) -> dict[str, int]:
    """Return a total by the values of `is_from_ads` or `is_from_followers`: `1` for yes, `0` for no. They add up."""
    assert isinstance(total, int)
    yes = total * drawn.per_mille("", breakdown) // 1000
    return {"0": total - yes, "1": yes}


def add_up(values: Iterable[Value]) -> Value:
    """Return the sum of numbers, or of objects by key."""
    numbers, by_key = 0, dict[str, int]()
    is_object = False
    for value in values:
        if isinstance(value, dict):
            is_object = True
            for key, count in value.items():
                by_key[key] = by_key.get(key, 0) + count
        else:
            numbers += value
    return by_key if is_object else numbers
