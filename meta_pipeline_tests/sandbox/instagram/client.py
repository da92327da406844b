"""Reads of the Instagram edges in the tests: values and truth as sets of comparable records."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline_tests.sandbox.client import call

ACCOUNT, OTHER_ACCOUNT = "17841400000000001", "17841400000000002"
PAGE, OTHER_PAGE = "3000000000001", "3000000000002"
# One value of an account: day, metric, breakdowns, their values, the value.
Value = tuple[str, str, str, str, str]


def insights(graph: Graph, node_id: str = ACCOUNT, **params: str) -> list[dict[str, Any]]:
    """Return the entries of a response."""
    response, body = call(graph, f"{node_id}/insights", **params)
    assert response.status == 200, body
    entries: list[dict[str, Any]] = body["data"]
    return entries


def total_values(graph: Graph, metrics: str, day: dt.date, *, breakdown: str = "", days: int = 1) -> list[dict[str, Any]]:
    """Return the total values of an account over days from `day` on."""
    params = {"breakdown": breakdown} if breakdown else {}
    return insights(
        graph, metric=metrics, period="day", metric_type="total_value", since=str(day),
        until=str(day + dt.timedelta(days=days)), **params,
    )


def values_of_day(entries: list[dict[str, Any]], day: dt.date) -> Iterator[Value]:
    """Yield the values in total-value entries, without the totals of entries with a breakdown."""
    for entry in entries:
        total = entry["total_value"]
        for breakdown in total.get("breakdowns", []):
            names = breakdown["dimension_keys"]
            for result in breakdown.get("results", []):
                selected = dict(zip(names, result["dimension_values"], strict=True))
                yield str(day), entry["name"], ",".join(names), json.dumps(selected), str(result["value"])
        if "breakdowns" not in total and "value" in total:
            yield str(day), entry["name"], "", "{}", str(total["value"])


def truth(graph: Graph, since: dt.date, until: dt.date, **restrictions: str) -> dict[str, list[dict[str, Any]]]:
    """Return the truth of Instagram."""
    query = {"since": str(since), "until": str(until), **restrictions}
    records: dict[str, list[dict[str, Any]]] = control(graph, "truth/instagram", {}, query)
    return records


def true_values(records: list[dict[str, Any]]) -> set[Value]:
    """Return the values in the truth's account insights."""
    return {
        (row["day"], row["metric"], row["breakdown"], json.dumps(row["breakdown_values"]), str(row["value"]))
        for row in records
    }


def error_of(graph: Graph, path: str, **params: Any) -> tuple[int, int, int | None, str]:
    """Return the HTTP status, code, subcode and message of an error."""
    response, body = call(graph, path, **params)
    error = body["error"]
    return response.status, error["code"], error.get("error_subcode"), error["message"]
